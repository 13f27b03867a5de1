// What is drawn: the map with its colour bar, curves, lines of equal distance, strips and speeds.

const INK = "#1b1f24", QUIET = "#59636e";
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
// Room around the map for its axes, and to its right for the colour bar, in pixels.
const MARGIN = { left: 46, right: 84, top: 8, bottom: 36 };
// Shares of the field below and above which colours no longer change: single places do not take all of the scale.
const CLIPPED = [0.005, 0.995];

/* A canvas' context in pixels of the page, whatever the screen's; its size is set. */
function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = FONT;
  return context;
}

/* About `count` round numbers between two others. */
function ticksBetween(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.99), ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) ticks.push(k * step);
  return ticks.map((tick) => Number(tick.toPrecision(10)));
}

const show = (value) => String(Number(value.toPrecision(3))).replace("-", "\u2212");

/* Marks by class, as a path of about the given radius: circle, triangle, square, diamond, triangle down, cross. */
function markPath(context, shape, x, y, r) {
  context.beginPath();
  const corners = [
    null,
    [[0, -1.25], [1.15, 0.8], [-1.15, 0.8]],
    [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    [[0, -1.3], [1.1, 0], [0, 1.3], [-1.1, 0]],
    [[0, 1.25], [1.15, -0.8], [-1.15, -0.8]],
    [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4],
     [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
  ][shape % 6];
  if (corners === null) context.arc(x, y, r, 0, 2 * Math.PI);
  else for (const [dx, dy] of corners) context.lineTo(x + r * dx, y + r * dy);
  context.closePath();
}

/* A line twice, dark below light, so that it shows on every colour. */
function strokeTwice(context, width, dash = []) {
  context.lineJoin = context.lineCap = "round";
  context.setLineDash([]);
  for (const [style, more] of [["rgb(0 0 0 / 85%)", 2], ["#fff", 0]]) {
    context.strokeStyle = style;
    context.lineWidth = width + more;
    if (!more) context.setLineDash(dash);
    context.stroke();
  }
  context.setLineDash([]);
}

class LatentMap {
  /* bounds of the plane; colours: the map of the field, bytes [256, 3]; names of both axes. */
  constructor(canvas, bounds, colours, axisNames) {
    Object.assign(this, { canvas, bounds, colours, axisNames });
    this.base = document.createElement("canvas");
  }

  /* Takes the width that the page gives, and a height at which both axes have one scale, as far as that is sane. */
  resize() {
    const width = this.canvas.parentElement.clientWidth, [[low0, high0], [low1, high1]] = this.bounds;
    const inner = width - MARGIN.left - MARGIN.right;
    this.size = [inner, Math.min(inner * ((high1 - low1) / (high0 - low0)), 680)];
    this.height = this.size[1] + MARGIN.top + MARGIN.bottom;
    this.width = width;
    this.context = prepare(this.canvas, width, this.height);
  }

  toPixel([x, y]) {
    const [[low0, high0], [low1, high1]] = this.bounds;
    return [
      MARGIN.left + ((x - low0) / (high0 - low0)) * this.size[0],
      MARGIN.top + ((high1 - y) / (high1 - low1)) * this.size[1],
    ];
  }

  toLatent([px, py]) {
    const [[low0, high0], [low1, high1]] = this.bounds;
    return [
      low0 + ((px - MARGIN.left) / this.size[0]) * (high0 - low0),
      high1 - ((py - MARGIN.top) / this.size[1]) * (high1 - low1),
    ];
  }

  /*
   * What stays while ends move: field, codes and axes. field: { values, columns, rows } of log10 volumes from the low
   * corner on, first axis first, or null for the Euclidean metric. codes: { points, labels, colours }.
   */
  drawBase(field, fieldLabel, codes) {
    const context = prepare(this.base, this.width, this.height), [width, height] = this.size;
    context.fillStyle = "#eef1f4";
    context.fillRect(MARGIN.left, MARGIN.top, width, height);
    if (field) {
      const sorted = Float32Array.from(field.values).filter(Number.isFinite).sort();
      const [low, high] = CLIPPED.map((share) => sorted[Math.floor(share * (sorted.length - 1))]);
      const span = Math.max(high - low, 1e-6);
      this.drawField(context, field, low, span);
      this.drawColourBar(context, low, span, fieldLabel);
    }
    this.drawAxes(context);
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, width, height);
    context.clip();
    const radius = codes.points.length > 400 ? 3.1 : 4;
    context.lineWidth = 1.6;
    codes.points.forEach((point, i) => {
      markPath(context, codes.labels[i], ...this.toPixel(point), radius);
      context.fillStyle = codes.colours[codes.labels[i] % codes.colours.length];
      context.strokeStyle = "#fff";
      context.stroke();
      context.fill();
    });
    context.restore();
  }

  drawField(context, { values, columns, rows }, low, span) {
    const image = document.createElement("canvas");
    image.width = columns;
    image.height = rows;
    const pixels = new ImageData(columns, rows);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const share = (values[(rows - 1 - row) * columns + column] - low) / span;
        const colour = 3 * Math.round(255 * Math.min(Math.max(share, 0), 1)), at = 4 * (row * columns + column);
        for (let k = 0; k < 3; k++) pixels.data[at + k] = this.colours[colour + k];
        pixels.data[at + 3] = 255;
      }
    }
    image.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    // Values are those of nodes: half a pixel of the border ones lies outside of the plane.
    context.drawImage(image, 0.5, 0.5, columns - 1, rows - 1, MARGIN.left, MARGIN.top, ...this.size);
  }

  drawColourBar(context, low, span, label) {
    const left = MARGIN.left + this.size[0] + 14, top = MARGIN.top, height = this.size[1], width = 14;
    for (let k = 0; k < 256; k++) {
      context.fillStyle = `rgb(${this.colours.subarray(3 * k, 3 * k + 3).join()})`;
      context.fillRect(left, top + (height * (255 - k)) / 256, width, height / 256 + 1);
    }
    context.fillStyle = context.strokeStyle = INK;
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
    context.textBaseline = "middle";
    context.textAlign = "left";
    for (const tick of ticksBetween(low, low + span, 6)) {
      const y = top + height * (1 - (tick - low) / span);
      context.fillRect(left + width, y - 0.5, 4, 1);
      context.fillText(show(tick), left + width + 7, y);
    }
    context.save();
    context.translate(this.width - 9, top + height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(label, 0, 0);
    context.restore();
  }

  drawAxes(context) {
    const [width, height] = this.size, [[low0, high0], [low1, high1]] = this.bounds;
    context.strokeStyle = context.fillStyle = INK;
    context.lineWidth = 1;
    context.strokeRect(MARGIN.left + 0.5, MARGIN.top + 0.5, width - 1, height - 1);
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of ticksBetween(low0, high0, 7)) {
      const [x] = this.toPixel([tick, low1]), y = MARGIN.top + height;
      context.fillRect(x - 0.5, y, 1, 4);
      context.fillText(show(tick), x, y + 6);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of ticksBetween(low1, high1, 7)) {
      const [, y] = this.toPixel([low0, tick]);
      context.fillRect(MARGIN.left - 4, y - 0.5, 4, 1);
      context.fillText(show(tick), MARGIN.left - 7, y);
    }
    context.textAlign = "center";
    context.fillText(this.axisNames[0], MARGIN.left + width / 2, this.height - 7);
    context.save();
    context.translate(8, MARGIN.top + height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(this.axisNames[1], 0, 0);
    context.restore();
  }

  /*
   * The whole map: contours { lines: [{ level, line }], source }, curves as points [x0, y0, ...], both ends, and the
   * places on both curves that are pointed at.
   */
  draw({ contours, line, geodesic, ends, active, marked }) {
    const { context } = this;
    context.clearRect(0, 0, this.width, this.height);
    context.drawImage(this.base, 0, 0, this.width, this.height);
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, ...this.size);
    context.clip();
    if (contours) this.drawContours(contours);
    this.trace(line);
    strokeTwice(context, 2, [7, 6]);
    this.trace(geodesic);
    strokeTwice(context, 3);
    for (const point of marked) {
      context.beginPath();
      context.arc(...this.toPixel(point), 5.5, 0, 2 * Math.PI);
      context.fillStyle = "#000";
      context.fill();
      strokeTwice(context, 1.5);
    }
    context.restore();
    ends.forEach((end, index) => this.drawEnd(end, "AB"[index], active === index));
  }

  trace(points) {
    this.context.beginPath();
    for (let i = 0; i < points.length; i += 2) this.context.lineTo(...this.toPixel([points[i], points[i + 1]]));
  }

  drawEnd(point, name, isActive) {
    const { context } = this, [x, y] = this.toPixel(point);
    context.beginPath();
    context.arc(x, y, isActive ? 13 : 11, 0, 2 * Math.PI);
    context.fillStyle = isActive ? "#ffe27a" : "#fff";
    context.fill();
    context.lineWidth = 2.5;
    context.strokeStyle = "#000";
    context.stroke();
    context.fillStyle = "#000";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `bold ${FONT}`;
    context.fillText(name, x, y + 0.5);
    context.font = FONT;
  }

  drawContours({ lines, source }) {
    const { context } = this;
    for (const { line } of lines) {
      context.beginPath();
      for (const point of line) context.lineTo(...this.toPixel(point));
      context.setLineDash([]);
      context.strokeStyle = "rgb(0 0 0 / 55%)";
      context.lineWidth = 2.2;
      context.stroke();
      context.strokeStyle = "rgb(255 255 255 / 95%)";
      context.lineWidth = 1.1;
      context.stroke();
    }
    context.textAlign = "center";
    context.textBaseline = "middle";
    const taken = [];
    for (const { level, line } of lines) {
      // The label goes where no other is near and the frame does not cut it.
      const free = line.map((point) => this.toPixel(point)).filter(([x, y]) => {
        const inside = x > MARGIN.left + 18 && x < MARGIN.left + this.size[0] - 18;
        const across = y > MARGIN.top + 10 && y < MARGIN.top + this.size[1] - 10;
        return inside && across && taken.every(([u, v]) => Math.hypot(u - x, v - y) > 34);
      });
      if (!free.length || line.length < 12) continue;
      const [x, y] = free[Math.floor(free.length / 2)];
      taken.push([x, y]);
      context.lineWidth = 3;
      context.strokeStyle = "#000";
      context.strokeText(show(level), x, y);
      context.fillStyle = "#fff";
      context.fillText(show(level), x, y);
    }
    const [x, y] = this.toPixel(source);
    context.beginPath();
    for (let k = 0; k < 10; k++) {
      const angle = (Math.PI * k) / 5, r = k % 2 ? 4.2 : 10;
      context.lineTo(x + r * Math.sin(angle), y - r * Math.cos(angle));
    }
    context.closePath();
    strokeTwice(context, 1.5);
    context.fillStyle = "#000";
    context.fill();
  }
}

/* Speeds along both curves over t in [0, 1]; marked: a place t that is pointed at, or null. */
function drawSpeeds(canvas, geodesic, straight, unit, marked) {
  const width = canvas.parentElement.clientWidth, height = 168;
  const room = { left: 44, right: 8, top: 18, bottom: 34 };
  const context = prepare(canvas, width, height);
  const inner = [width - room.left - room.right, height - room.top - room.bottom];
  const most = 1.08 * Math.max(...geodesic, ...straight, 1e-12);
  const place = (t, value) => [room.left + t * inner[0], room.top + (1 - value / most) * inner[1]];
  context.fillStyle = context.strokeStyle = INK;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.lineWidth = 1;
  for (const tick of ticksBetween(0, most, 4)) {
    const [x, y] = place(0, tick);
    context.strokeStyle = "#e3e7eb";
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + inner[0], y);
    context.stroke();
    context.fillText(show(tick), x - 6, y);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) context.fillText(show(tick), place(tick, 0)[0], height - room.bottom + 5);
  context.fillText("t, place on the curve", room.left + inner[0] / 2, height - 14);
  context.textAlign = "left";
  context.fillText(`${unit} per unit of t`, 2, 0);
  context.strokeStyle = INK;
  for (const [values, dash, lineWidth] of [[straight, [6, 4], 1.6], [geodesic, [], 2.4]]) {
    context.beginPath();
    values.forEach((value, i) => context.lineTo(...place((i + 0.5) / values.length, value)));
    context.setLineDash(dash);
    context.lineWidth = lineWidth;
    context.stroke();
  }
  context.setLineDash([]);
  if (marked !== null) {
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(...place(marked, 0));
    context.lineTo(...place(marked, most));
    context.stroke();
  }
}

/* Decoded values as a small picture: [height, width] of grey or RGB values, 0 white as on paper where that is asked. */
class Pictures {
  /* shape: [height, width] or [height, width, 3] or null; range: values of both ends of the scale. */
  constructor(shape, range, inverted, colours) {
    Object.assign(this, { shape, range, inverted, colours });
    this.canvas = document.createElement("canvas");
  }

  get aspect() {
    return this.shape ? this.shape[1] / this.shape[0] : 1;
  }

  /* An image of one row of values. */
  image(values) {
    const [height, width, channels = 1] = this.shape, pixels = new ImageData(width, height), [low, high] = this.range;
    for (let i = 0; i < width * height; i++) {
      for (let k = 0; k < 3; k++) {
        const share = (values[i * channels + (channels === 3 ? k : 0)] - low) / (high - low);
        pixels.data[4 * i + k] = 255 * Math.min(Math.max(this.inverted ? 1 - share : share, 0), 1);
      }
      pixels.data[4 * i + 3] = 255;
    }
    return pixels;
  }

  draw(context, values, x, y, width, height) {
    this.put(context, this.image(values), x, y, width, height);
  }

  put(context, pixels, x, y, width, height) {
    this.canvas.width = pixels.width;
    this.canvas.height = pixels.height;
    this.canvas.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, x, y, width, height);
  }

  /* Rows of values without a shape: a column of colours for each, the first value on top. */
  columns(rows) {
    const count = rows[0].length, pixels = new ImageData(rows.length, count), [low, high] = this.range;
    rows.forEach((values, column) => values.forEach((value, j) => {
      const share = Math.min(Math.max((value - low) / (high - low), 0), 1), at = 4 * (j * rows.length + column);
      for (let k = 0; k < 3; k++) pixels.data[at + k] = this.colours[3 * Math.round(255 * share) + k];
      pixels.data[at + 3] = 255;
    }));
    return pixels;
  }
}
