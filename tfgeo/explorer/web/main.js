// The page: what it shows, and what follows the pointer.

const page = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);
// Pixels within which a code or an end is pointed at, and pixels and milliseconds up to which a press is a click.
const NEAR = { code: 9, end: 18 }, CLICK = { pixels: 4, milliseconds: 500 };
// Lines of equal distance, about.
const NUM_LINES = 14;
// Codes that a new pair is chosen among, and the least share of the longest distance that it must be apart.
const CANDIDATES = 60, LEAST_APART = 0.4;

const colours = { field: decodeBytes(page.colours.field), classes: page.colours.classes };
const codes = {
  points: pairsOf(readArray(page.codes.points)),
  labels: page.codes.labels ? [...readArray(page.codes.labels)] : new Array(page.codes.count).fill(0),
  colours: colours.classes,
};
const samples = page.codes.samples && {
  ...page.codes.samples, values: readArray(page.codes.samples.values),
  row(i) {
    return this.values.subarray(i * this.width, (i + 1) * this.width);
  },
};
const decoder = readDecoder(page.decoder);
const pictures = new Pictures(page.decoder.shape, page.decoder.range, page.decoder.inverted, colours.field);
const metrics = new Map(page.metrics.map((one) => [one.key, readMetric(one)]));
const map = new LatentMap(element("map"), page.bounds, colours.field, page.axes);
const strips = new Strips(element("strip"), pictures, decoder);

const state = {
  metric: page.metrics[0].key, ends: null, curve: null, line: null, source: null, contours: null,
  dragged: null, active: null, hovered: null, marked: null,
};
// Distances from the end that stays, by metric: they are found once for a whole drag.
const trees = new Map();
// Milliseconds from an event to the page that answers it, of the last drags.
const latencies = [];
let frame = null, since = null;

function pairsOf(values) {
  return Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i], values[2 * i + 1]]);
}

function readDecoder({ layers, table }) {
  if (table) return new TableDecoder(page.bounds, table.resolution, table.width, readArray(table.values));
  return new DenseDecoder(layers.map((layer) => (
    { ...layer, kernel: readArray(layer.kernel), bias: readArray(layer.bias) }
  )));
}

/* A metric of the page with its grid, which is made when it is first needed. */
function readMetric(described) {
  const { table } = described;
  const metric = table
    ? new MetricTable(page.bounds, table.resolution, readArray(table.values))
    : new StraightMetric(page.bounds);
  let grid = null;
  return {
    ...described, metric,
    get grid() {
      return grid ?? (grid = new Grid(metric));
    },
  };
}

/* Distances over the grid from a point, kept for the last few points. */
function treeFrom(key, point) {
  const name = `${key} ${point}`;
  if (!trees.has(name)) {
    if (trees.size >= 6) trees.delete(trees.keys().next().value);
    trees.set(name, metrics.get(key).grid.distancesFrom(point));
  }
  return trees.get(name);
}

/* The geodesic between two points under a metric of the page, and the straight line: both with points and length. */
function solve(a, b, key = state.metric, from = 0) {
  const { metric, grid } = metrics.get(key);
  const starts = [];
  if (metrics.get(key).table) {
    // From the end that stays.
    const path = grid.path(treeFrom(key, from === 0 ? a : b), from === 0 ? b : a);
    if (path) starts.push(from === 0 ? path : Float64Array.from(pairsOf(path).reverse().flat()));
  }
  const line = straightLine(a, b);
  const speeds = segmentLengths(metric, line).map((length) => length * SEGMENTS);
  const curve = shortestCurve(metric, a, b, starts);
  curve.speeds = segmentLengths(metric, curve.points).map((length) => length * SEGMENTS);
  return { curve, line: { points: line, speeds, length: sum(speeds) / SEGMENTS } };
}

function fieldOf(key) {
  const { table, grid } = metrics.get(key);
  if (!table) return null;
  const [columns, rows] = grid.counts.map((count) => 2 * count - 1), values = new Float32Array(columns * rows);
  for (let i = 0; i < values.length; i++) {
    const [xx, xy, yy] = grid.samples.subarray(3 * i, 3 * i + 3);
    values[i] = 0.5 * Math.log10(Math.max(xx * yy - xy * xy, 1e-30));
  }
  return { values, columns, rows };
}

function contoursOf(key, source) {
  const { grid } = metrics.get(key), [columns, rows] = grid.counts;
  const { distances } = treeFrom(key, source);
  const lines = roundLevels(distances.reduce((most, value) => Math.max(most, value), 0), NUM_LINES).flatMap((level) => (
    contourLines(distances, columns, rows, level).map((line) => ({
      level,
      line: line.map((place) => place.map((value, axis) => page.bounds[axis][0] + value * grid.spacing[axis])),
    }))
  ));
  return { source, lines };
}

/* Two codes between which geodesic and straight line differ most, the first one at random. */
function choosePair(seed) {
  let last = seed;
  const random = (count) => {
    last = (Math.imul(last, 1664525) + 1013904223) >>> 0;
    return Math.floor((last / 2 ** 32) * count);
  };
  const key = state.metric, { metric, grid, table } = metrics.get(key);
  const a = codes.points[random(codes.points.length)];
  const others = Array.from({ length: CANDIDATES }, () => codes.points[random(codes.points.length)]);
  if (!table) return [a, others[0]];
  const tree = treeFrom(key, a);
  const [columns] = grid.counts;
  const distances = others.map((point) => {
    const [column, row] = point.map((v, axis) => Math.round((v - page.bounds[axis][0]) / grid.spacing[axis]));
    return tree.distances[row * columns + column];
  });
  const far = LEAST_APART * Math.max(...distances);
  const gains = others.map((b, i) => (
    distances[i] < far ? 0 : sum(segmentLengths(metric, straightLine(a, b, 64))) / distances[i]
  ));
  return [a, others[gains.indexOf(Math.max(...gains))]];
}

function update(event) {
  if (event && since === null) since = event.timeStamp;
  if (frame === null) frame = requestAnimationFrame(render);
}

function render() {
  frame = null;
  const { curve, line } = solve(...state.ends, state.metric, state.dragged === 0 ? 1 : 0);
  Object.assign(state, { curve, line });
  drawAll();
  if (since !== null) {
    latencies.push(performance.now() - since);
    since = null;
  }
}

function drawAll() {
  const { curve, line, marked } = state, { unit } = metrics.get(state.metric);
  map.draw({
    contours: state.contours, line: line.points, geodesic: curve.points, ends: state.ends,
    active: state.dragged ?? state.active,
    marked: marked === null ? [] : [curve, line].map(({ points }) => placeOn(points, marked)),
  });
  strips.draw({ geodesic: curve.points, "straight line": line.points }, marked);
  drawSpeeds(element("speed"), curve.speeds, line.speeds, unit, marked);
  const doubt = curve.converged ? "" : " (not converged)";
  element("length-geodesic").textContent = `${curve.length.toPrecision(4)} ${unit}${doubt}`;
  element("length-straight").textContent = `${line.length.toPrecision(4)} ${unit}`;
  const ratio = line.length / curve.length;
  element("ratio").textContent = !metrics.get(state.metric).table
    ? "Under this metric they are the same."
    : ratio < 1.0005 ? "The straight line is as short." : `The straight line is ${ratio.toFixed(ratio < 1.1 ? 3 : 2)} times as long.`;
  const [a, b] = state.ends.map((end) => `[${end.map((value) => value.toFixed(4)).join(", ")}]`);
  element("code").textContent = metrics.get(state.metric).code.replaceAll("{a}", a).replaceAll("{b}", b);
}

function placeOn(points, t) {
  const last = points.length / 2 - 1, at = Math.min(t, 1) * last, i = Math.min(Math.floor(at), last - 1);
  return [0, 1].map((axis) => points[2 * i + axis] + (at - i) * (points[2 * i + 2 + axis] - points[2 * i + axis]));
}

/* Another metric: field and lines of equal distance are made again. */
function chooseMetric(key) {
  state.metric = key;
  const described = metrics.get(key);
  element("metric-text").textContent = described.text;
  element("how").textContent = described.how;
  map.drawBase(fieldOf(key), described.field, codes);
  if (state.source) state.contours = contoursOf(key, state.source);
  update();
}

function setSource(source) {
  state.source = source;
  state.contours = source && contoursOf(state.metric, source);
  element("clear").disabled = !source;
  update();
}

/* An end to a place in the plane, kept inside of it. */
function moveEnd(index, point, event) {
  state.ends[index] = point.map((value, axis) => Math.min(Math.max(value, page.bounds[axis][0]), page.bounds[axis][1]));
  update(event);
}

function pixelOf(event) {
  const box = element("map").getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function nearest(points, pixel, within) {
  let best = null, least = within;
  points.forEach((point, i) => {
    const [x, y] = map.toPixel(point), gap = Math.hypot(x - pixel[0], y - pixel[1]);
    if (gap < least) [best, least] = [i, gap];
  });
  return best;
}

/* What the place under the pointer decodes to; beside a code its sample as well. */
function lookAt(pixel, event) {
  const point = map.toLatent(pixel), inside = point.every((v, k) => v >= page.bounds[k][0] && v <= page.bounds[k][1]);
  const code = inside ? nearest(codes.points, pixel, NEAR.code) : null;
  const at = code === null ? point : codes.points[code];
  if (inside) {
    drawRow(element("look-image"), [decoder.decode([at])[0]], 76);
    element("look-text").textContent = `decoded at the pointer\nz = (${at.map(show).join(", ")})`;
  }
  const tip = element("tip");
  tip.hidden = code === null || !event;
  if (tip.hidden) return;
  const name = page.codes.classes[codes.labels[code]];
  const rows = [...(samples ? [samples.row(code)] : []), decoder.decode([at])[0]];
  drawRow(element("tip-image"), rows, 84);
  element("tip-text").textContent = `${name ? `${name}, ` : ""}sample ${code}${samples ? "\nleft: the sample, right: decoded" : "\ndecoded"}`;
  const left = event.pageX + 16, width = tip.offsetWidth;
  tip.style.left = `${left + width > document.documentElement.clientWidth ? event.pageX - 16 - width : left}px`;
  tip.style.top = `${event.pageY + 14}px`;
}

/* Pictures side by side, each of the given width. */
function drawRow(canvas, rows, width) {
  const height = pictures.shape ? width / pictures.aspect : width, gap = 6;
  const total = rows.length * (width + gap) - gap;
  const context = prepare(canvas, total, height);
  canvas.style.width = `${total}px`;
  rows.forEach((values, i) => {
    if (pictures.shape) pictures.draw(context, values, i * (width + gap), 0, width, height);
    else pictures.put(context, pictures.columns([values]), i * (width + gap), 0, width, height);
    context.strokeStyle = "#c3cad2";
    context.strokeRect(i * (width + gap) + 0.5, 0.5, width - 1, height - 1);
  });
}

function listen() {
  const canvas = element("map");
  let pressed = null;
  canvas.addEventListener("pointerdown", (event) => {
    const pixel = pixelOf(event);
    state.dragged = nearest(state.ends, pixel, NEAR.end);
    pressed = { pixel, at: event.timeStamp };
    if (state.dragged !== null) {
      state.active = state.dragged;
      canvas.setPointerCapture(event.pointerId);
      element("tip").hidden = true;
      update();
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const pixel = pixelOf(event);
    if (state.dragged !== null) moveEnd(state.dragged, map.toLatent(pixel), event);
    else {
      canvas.style.cursor = nearest(state.ends, pixel, NEAR.end) !== null ? "grab" : "crosshair";
      lookAt(pixel, event);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    const pixel = pixelOf(event), wasDragged = state.dragged !== null;
    state.dragged = null;
    const moved = pressed && Math.hypot(pixel[0] - pressed.pixel[0], pixel[1] - pressed.pixel[1]) > CLICK.pixels;
    const point = map.toLatent(pixel), inside = point.every((v, k) => v >= page.bounds[k][0] && v <= page.bounds[k][1]);
    if (pressed && !wasDragged && !moved && inside && event.timeStamp - pressed.at < CLICK.milliseconds) {
      state.active = null;
      setSource(point);
    }
    pressed = null;
    update();
  });
  canvas.addEventListener("pointerleave", () => {
    element("tip").hidden = true;
  });
  canvas.addEventListener("keydown", (event) => {
    const name = event.key.toLowerCase();
    if (name === "a" || name === "b") state.active = name === "a" ? 0 : 1;
    else if (name === "escape") setSource(null);
    else if (name.startsWith("arrow")) {
      const step = (event.shiftKey ? 0.05 : 0.01) * (page.bounds[0][1] - page.bounds[0][0]);
      const [dx, dy] = { arrowleft: [-step, 0], arrowright: [step, 0], arrowup: [0, step], arrowdown: [0, -step] }[name];
      state.active = state.active ?? 0;
      const [x, y] = state.ends[state.active];
      moveEnd(state.active, [x + dx, y + dy], event);
    } else return;
    event.preventDefault();
    update();
  });
  element("strip").addEventListener("pointermove", (event) => {
    state.marked = strips.placeAt(event.clientX - element("strip").getBoundingClientRect().left);
    drawAll();
  });
  element("strip").addEventListener("pointerleave", () => {
    state.marked = null;
    drawAll();
  });
  let pairs = 1;
  element("another").addEventListener("click", () => {
    state.ends = choosePair(++pairs * 7919).map((point) => [...point]);
    update();
  });
  element("clear").addEventListener("click", () => setSource(null));
  window.addEventListener("resize", layOut);
}

function layOut() {
  map.resize();
  chooseMetric(state.metric);
}

function fillIn() {
  element("title").textContent = page.title;
  element("summary").textContent = page.summary;
  for (const { key, name } of page.metrics) {
    const label = document.createElement("label"), input = document.createElement("input");
    const span = document.createElement("span");
    Object.assign(input, { type: "radio", name: "metric", value: key, checked: key === state.metric });
    input.addEventListener("change", () => chooseMetric(key));
    span.textContent = name;
    label.append(input, span);
    element("metrics").append(label);
  }
  page.codes.classes.forEach((name, i) => {
    const item = document.createElement("span"), canvas = document.createElement("canvas");
    canvas.style.width = "16px";
    const context = prepare(canvas, 16, 16);
    markPath(context, i, 8, 8, 5);
    context.fillStyle = colours.classes[i % colours.classes.length];
    context.fill();
    item.append(canvas, name);
    element("legend").append(item);
  });
}

fillIn();
map.resize();
state.ends = page.ends ?? choosePair(7919).map((point) => [...point]);
chooseMetric(state.metric);
lookAt(map.toPixel(state.ends[0]), null);
listen();

// For the browser's console and for tests: what was asked and found.
window.explorer = {
  solve, state, latencies, map, setSource,
  decode: (points) => decoder.decode(points),
  bounds: page.bounds,
  metrics: [...metrics.keys()],
};
