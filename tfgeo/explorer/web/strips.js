// Both curves decoded at equal steps, one row each.

// Pictures in a row, and rows of values without a shape.
const STRIP_PICTURES = 13, STRIP_COLUMNS = 61;
const STRIP_ROOM = { left: 96, gap: 6, bottom: 20 };

/* `count` points at equal steps along a curve of points [x0, y0, ...] at equal steps themselves. */
function pointsAlong(points, count) {
  const last = points.length / 2 - 1;
  return Array.from({ length: count }, (_, k) => {
    const at = (k / (count - 1)) * last, i = Math.min(Math.floor(at), last - 1), t = at - i;
    return [0, 1].map((axis) => (1 - t) * points[2 * i + axis] + t * points[2 * i + 2 + axis]);
  });
}

class Strips {
  constructor(canvas, pictures, decoder) {
    Object.assign(this, { canvas, pictures, decoder });
  }

  get count() {
    return this.pictures.shape ? STRIP_PICTURES : STRIP_COLUMNS;
  }

  /* rows: { name: points [x0, y0, ...] }; marked: a place t in [0, 1] that is pointed at, or null. */
  draw(rows, marked) {
    const names = Object.keys(rows), { pictures, count } = this;
    const width = this.canvas.parentElement.clientWidth, inner = width - STRIP_ROOM.left;
    const each = inner / count, side = pictures.shape ? Math.min(each - 3, 96) : 0;
    const rowHeight = pictures.shape ? side / pictures.aspect : 72;
    const height = names.length * (rowHeight + STRIP_ROOM.gap) + STRIP_ROOM.bottom;
    const context = prepare(this.canvas, width, height);
    names.forEach((name, row) => {
      const top = row * (rowHeight + STRIP_ROOM.gap);
      const values = this.decoder.decode(pointsAlong(rows[name], count));
      context.fillStyle = INK;
      context.textAlign = "left";
      context.textBaseline = "middle";
      context.fillText(name, 0, top + rowHeight / 2);
      if (pictures.shape) {
        values.forEach((value, k) => {
          pictures.draw(context, value, STRIP_ROOM.left + k * each + (each - side) / 2, top, side, rowHeight);
        });
      } else pictures.put(context, pictures.columns(values), STRIP_ROOM.left, top, inner, rowHeight);
      context.strokeStyle = "#c3cad2";
      context.lineWidth = 1;
      if (pictures.shape) {
        for (let k = 0; k < count; k++) {
          context.strokeRect(STRIP_ROOM.left + k * each + (each - side) / 2 - 0.5, top + 0.5, side + 1, rowHeight - 1);
        }
      } else context.strokeRect(STRIP_ROOM.left + 0.5, top + 0.5, inner - 1, rowHeight - 1);
    });
    context.fillStyle = QUIET;
    context.textAlign = "center";
    context.textBaseline = "bottom";
    const centre = (t) => STRIP_ROOM.left + (pictures.shape ? each / 2 + t * (inner - each) : t * inner);
    for (const t of [0, 0.25, 0.5, 0.75, 1]) {
      context.textAlign = pictures.shape || (t > 0 && t < 1) ? "center" : t ? "right" : "left";
      context.fillText(t === 0 ? "A, t = 0" : t === 1 ? "t = 1, B" : show(t), centre(t), height);
    }
    if (marked !== null) {
      context.strokeStyle = "#0b5cad";
      context.lineWidth = 2;
      const from = pictures.shape ? centre(marked) - each / 2 + 1 : centre(marked) - 2;
      context.strokeRect(from, 1, pictures.shape ? each - 2 : 4, height - STRIP_ROOM.bottom - STRIP_ROOM.gap);
    }
  }

  /* The place t on the curves of a pixel from the left, or null left of them; that of a picture where there are. */
  placeAt(x) {
    const inner = this.canvas.parentElement.clientWidth - STRIP_ROOM.left, share = (x - STRIP_ROOM.left) / inner;
    if (share < 0 || share >= 1) return null;
    return this.pictures.shape ? Math.floor(share * this.count) / (this.count - 1) : share;
  }
}
