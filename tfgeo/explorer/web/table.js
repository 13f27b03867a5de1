// The metric of a latent plane from a table: tensor-product cubic B-splines, as tfgeo.manifolds.Interpolated has them.

/* Weights of the four neighbours at the place t of a cell, then their first and second derivatives by t. */
function splineWeights(t, out) {
  const s = 1 - t;
  out[0] = (s * s * s) / 6;
  out[1] = (4 - 6 * t * t + 3 * t * t * t) / 6;
  out[2] = (4 - 6 * s * s + 3 * s * s * s) / 6;
  out[3] = (t * t * t) / 6;
  out[4] = (-s * s) / 2;
  out[5] = (3 * t * t - 4 * t) / 2;
  out[6] = (-3 * s * s + 4 * s) / 2;
  out[7] = (t * t) / 2;
  out[8] = s;
  out[9] = 3 * t - 2;
  out[10] = 3 * s - 2;
  out[11] = t;
}

class MetricTable {
  /*
   * bounds: [[low, high], [low, high]] of the two coordinates; resolution: nodes along each.
   * coefficients: Float32Array [resolution + 2, resolution + 2, 3] of the entries (0,0), (0,1), (1,1).
   */
  constructor(bounds, resolution, coefficients) {
    this.bounds = bounds;
    this.coefficients = coefficients;
    this.last = resolution - 1;
    this.rowLength = 3 * (resolution + 2);
    this.scales = bounds.map(([low, high]) => this.last / (high - low));
    this.u = new Float64Array(12);
    this.v = new Float64Array(12);
  }

  /* Sets the weights of the point's neighbours; returns where the first of them is. */
  locate(x, y) {
    const { bounds, scales, last } = this;
    const place0 = Math.min(Math.max((x - bounds[0][0]) * scales[0], 0), last);
    const place1 = Math.min(Math.max((y - bounds[1][0]) * scales[1], 0), last);
    const cell0 = Math.min(Math.floor(place0), last - 1), cell1 = Math.min(Math.floor(place1), last - 1);
    splineWeights(place0 - cell0, this.u);
    splineWeights(place1 - cell1, this.v);
    return cell0 * this.rowLength + 3 * cell1;
  }

  /* The metric at (x, y) into out: its entries 00, 01, 11. Outside of the bounds it is the nearest border's. */
  evaluate(x, y, out) {
    const table = this.coefficients, u = this.u, v = this.v;
    let at = this.locate(x, y), xx = 0, xy = 0, yy = 0;
    const w0 = v[0], w1 = v[1], w2 = v[2], w3 = v[3];
    for (let i = 0; i < 4; i++, at += this.rowLength) {
      xx += u[i] * (w0 * table[at] + w1 * table[at + 3] + w2 * table[at + 6] + w3 * table[at + 9]);
      xy += u[i] * (w0 * table[at + 1] + w1 * table[at + 4] + w2 * table[at + 7] + w3 * table[at + 10]);
      yy += u[i] * (w0 * table[at + 2] + w1 * table[at + 5] + w2 * table[at + 8] + w3 * table[at + 11]);
    }
    out[0] = xx;
    out[1] = xy;
    out[2] = yy;
  }

  /* The same, then the derivatives of the entries by x, y, xx, xy and yy: 18 numbers. */
  differentiate(x, y, out) {
    const table = this.coefficients, { u, v, rowLength, bounds } = this, from = this.locate(x, y);
    // Beyond the border nothing changes along the axis that is left.
    const scale0 = x >= bounds[0][0] && x <= bounds[0][1] ? this.scales[0] : 0;
    const scale1 = y >= bounds[1][0] && y <= bounds[1][1] ? this.scales[1] : 0;
    for (let entry = 0; entry < 3; entry++) {
      let value = 0, dx = 0, dy = 0, dxx = 0, dxy = 0, dyy = 0;
      for (let i = 0, at = from + entry; i < 4; i++, at += rowLength) {
        const a = table[at], b = table[at + 3], c = table[at + 6], d = table[at + 9];
        const along = v[0] * a + v[1] * b + v[2] * c + v[3] * d;
        const slope = v[4] * a + v[5] * b + v[6] * c + v[7] * d;
        value += u[i] * along;
        dx += u[4 + i] * along;
        dy += u[i] * slope;
        dxx += u[8 + i] * along;
        dxy += u[4 + i] * slope;
        dyy += u[i] * (v[8] * a + v[9] * b + v[10] * c + v[11] * d);
      }
      out[entry] = value;
      out[3 + entry] = dx * scale0;
      out[6 + entry] = dy * scale1;
      out[9 + entry] = dxx * scale0 * scale0;
      out[12 + entry] = dxy * scale0 * scale1;
      out[15 + entry] = dyy * scale1 * scale1;
    }
  }
}

/* The Euclidean metric, in the same form. */
class StraightMetric {
  constructor(bounds) {
    this.bounds = bounds;
  }

  evaluate(x, y, out) {
    out[0] = out[2] = 1;
    out[1] = 0;
  }
}
