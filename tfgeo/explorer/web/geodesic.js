// Shortest curves in a latent plane: damped Newton steps on the energy of polylines.

// Segments of a curve. Lengths change by about 0.1 % where there are twice as many.
const SEGMENTS = 128;
// A curve is done where a step would lower its energy by less than this share of it.
const TOLERANCE = 1e-6;
const MAX_ITERATIONS = 120;
// Damping, relative to the part of the energy's second derivatives that is positive definite: where it starts, the
// factor by which it changes, and from where on no step is expected to help any more.
const DAMPING = { start: 1e-2, factor: 4, least: 1e-7, most: 1e7 };

/* The straight line from a to b as points [x0, y0, x1, y1, ...]. */
function straightLine(a, b, segments = SEGMENTS) {
  const points = new Float64Array(2 * segments + 2);
  for (let i = 0; i <= segments; i++) {
    const t = i / segments;
    points[2 * i] = (1 - t) * a[0] + t * b[0];
    points[2 * i + 1] = (1 - t) * a[1] + t * b[1];
  }
  return points;
}

/* Lengths of the segments of a curve under the metric at their middles. */
function segmentLengths(metric, points) {
  const lengths = new Float64Array(points.length / 2 - 1), g = new Float64Array(18);
  for (let i = 0; i < lengths.length; i++) {
    const x = points[2 * i + 2] - points[2 * i], y = points[2 * i + 3] - points[2 * i + 1];
    metric.evaluate(points[2 * i] + x / 2, points[2 * i + 1] + y / 2, g);
    lengths[i] = Math.sqrt(Math.max(g[0] * x * x + 2 * g[1] * x * y + g[2] * y * y, 0));
  }
  return lengths;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/* The same curve with points at equal steps of its length. */
function resample(metric, points, segments = SEGMENTS) {
  const lengths = segmentLengths(metric, points), total = sum(lengths);
  const result = new Float64Array(2 * segments + 2);
  let segment = 0, before = 0;
  for (let i = 0; i <= segments; i++) {
    const target = (total * i) / segments;
    while (segment < lengths.length - 1 && before + lengths[segment] < target) before += lengths[segment++];
    const t = lengths[segment] > 0 ? Math.min((target - before) / lengths[segment], 1) : 0;
    for (let k = 0; k < 2; k++) {
      result[2 * i + k] = (1 - t) * points[2 * segment + k] + t * points[2 * segment + 2 + k];
    }
  }
  result.set(points.subarray(points.length - 2), 2 * segments);
  return result;
}

/* The energy of a curve; its gradient and second derivatives in the inner points into model, where that is given. */
function energyModel(metric, points, model) {
  const segments = points.length / 2 - 1, g = new Float64Array(18);
  let energy = 0;
  if (model) for (const part of Object.values(model)) part.fill(0);
  for (let i = 0; i < segments; i++) {
    const x = points[2 * i + 2] - points[2 * i], y = points[2 * i + 3] - points[2 * i + 1];
    const middle0 = points[2 * i] + x / 2, middle1 = points[2 * i + 1] + y / 2;
    if (model) metric.differentiate(middle0, middle1, g);
    else metric.evaluate(middle0, middle1, g);
    const square = (k) => g[k] * x * x + 2 * g[k + 1] * x * y + g[k + 2] * y * y;
    energy += square(0);
    if (!model) continue;
    const { gradient, diagonal, upper, metricDiagonal, metricUpper } = model;
    const cost0 = 2 * (g[0] * x + g[1] * y), cost1 = 2 * (g[1] * x + g[2] * y);
    const slope0 = square(3) / 2, slope1 = square(6) / 2;
    // dG/dx and dG/dy applied to the step, and a quarter of the second derivatives of its square.
    const m00 = g[3] * x + g[4] * y, m10 = g[4] * x + g[5] * y, m01 = g[6] * x + g[7] * y, m11 = g[7] * x + g[8] * y;
    const b00 = square(9) / 4, b01 = square(12) / 4, b11 = square(15) / 4;
    // Inner points are counted from 0: this segment joins inner points i - 1 and i.
    if (i > 0) {
      const at = i - 1;
      gradient[2 * at] += slope0 - cost0;
      gradient[2 * at + 1] += slope1 - cost1;
      diagonal[3 * at] += 2 * g[0] - 2 * m00 + b00;
      diagonal[3 * at + 1] += 2 * g[1] - m01 - m10 + b01;
      diagonal[3 * at + 2] += 2 * g[2] - 2 * m11 + b11;
      for (let k = 0; k < 3; k++) metricDiagonal[3 * at + k] += 2 * g[k];
    }
    if (i < segments - 1) {
      gradient[2 * i] += slope0 + cost0;
      gradient[2 * i + 1] += slope1 + cost1;
      diagonal[3 * i] += 2 * g[0] + 2 * m00 + b00;
      diagonal[3 * i + 1] += 2 * g[1] + m01 + m10 + b01;
      diagonal[3 * i + 2] += 2 * g[2] + 2 * m11 + b11;
      for (let k = 0; k < 3; k++) metricDiagonal[3 * i + k] += 2 * g[k];
    }
    if (i > 0 && i < segments - 1) {
      const at = 4 * (i - 1), turn = m10 - m01;
      upper[at] = b00 - 2 * g[0];
      upper[at + 1] = b01 - 2 * g[1] + turn;
      upper[at + 2] = b01 - 2 * g[1] - turn;
      upper[at + 3] = b11 - 2 * g[2];
      metricUpper[at] = -2 * g[0];
      metricUpper[at + 1] = metricUpper[at + 2] = -2 * g[1];
      metricUpper[at + 3] = -2 * g[2];
    }
  }
  return energy;
}

/*
 * The step that minimizes the model, its matrix damped: block elimination from the first inner point to the last and
 * back. Returns the energy that the model expects to lose, or null where the matrix is not positive definite.
 */
function newtonStep(model, damping, step) {
  const { gradient, diagonal, upper, metricDiagonal, metricUpper } = model;
  const count = gradient.length / 2;
  const inverse = new Float64Array(3 * count), above = new Float64Array(4 * count);
  let c00 = 0, c01 = 0, c11 = 0, r0 = 0, r1 = 0;
  for (let i = 0; i < count; i++) {
    const a = diagonal[3 * i] + damping * metricDiagonal[3 * i] - c00;
    const b = diagonal[3 * i + 1] + damping * metricDiagonal[3 * i + 1] - c01;
    const d = diagonal[3 * i + 2] + damping * metricDiagonal[3 * i + 2] - c11;
    const determinant = a * d - b * b;
    if (!(a > 0 && determinant > 0)) return null;
    const i00 = d / determinant, i01 = -b / determinant, i11 = a / determinant;
    inverse.set([i00, i01, i11], 3 * i);
    step[2 * i] = -gradient[2 * i] - r0;
    step[2 * i + 1] = -gradient[2 * i + 1] - r1;
    if (i === count - 1) break;
    for (let k = 0; k < 4; k++) above[4 * i + k] = upper[4 * i + k] + damping * metricUpper[4 * i + k];
    const [u00, u01, u10, u11] = above.subarray(4 * i, 4 * i + 4);
    // U^T D^-1, what the next point's row loses.
    const w00 = u00 * i00 + u10 * i01, w01 = u00 * i01 + u10 * i11;
    const w10 = u01 * i00 + u11 * i01, w11 = u01 * i01 + u11 * i11;
    c00 = w00 * u00 + w01 * u10;
    c01 = w00 * u01 + w01 * u11;
    c11 = w10 * u01 + w11 * u11;
    r0 = w00 * step[2 * i] + w01 * step[2 * i + 1];
    r1 = w10 * step[2 * i] + w11 * step[2 * i + 1];
  }
  let expected = 0;
  for (let i = count - 1; i >= 0; i--) {
    let s0 = step[2 * i], s1 = step[2 * i + 1];
    if (i < count - 1) {
      s0 -= above[4 * i] * step[2 * i + 2] + above[4 * i + 1] * step[2 * i + 3];
      s1 -= above[4 * i + 2] * step[2 * i + 2] + above[4 * i + 3] * step[2 * i + 3];
    }
    step[2 * i] = inverse[3 * i] * s0 + inverse[3 * i + 1] * s1;
    step[2 * i + 1] = inverse[3 * i + 1] * s0 + inverse[3 * i + 2] * s1;
    expected -= (gradient[2 * i] * step[2 * i] + gradient[2 * i + 1] * step[2 * i + 1]) / 2;
  }
  return expected;
}

/*
 * The curve of least energy near a given one with the same ends: at constant speed it is a geodesic.
 * Returns { points, energy, length, iterations, converged }.
 */
function minimizeEnergy(metric, start) {
  const count = start.length / 2 - 2;
  const model = {
    gradient: new Float64Array(2 * count), diagonal: new Float64Array(3 * count), upper: new Float64Array(4 * count),
    metricDiagonal: new Float64Array(3 * count), metricUpper: new Float64Array(4 * count),
  };
  const step = new Float64Array(2 * count), segments = count + 1;
  let points = start, energy = energyModel(metric, points, model), damping = DAMPING.start, iterations = 0;
  let converged = energy === 0;
  while (!converged && iterations < MAX_ITERATIONS && damping < DAMPING.most) {
    iterations++;
    const expected = newtonStep(model, damping, step);
    if (expected === null) {
      damping *= DAMPING.factor;
      continue;
    }
    const trial = points.slice();
    for (let k = 0; k < step.length; k++) trial[k + 2] += step[k];
    const trialEnergy = energyModel(metric, trial, null);
    if (trialEnergy <= energy) {
      converged = expected <= TOLERANCE * energy;
      points = trial;
      energy = energyModel(metric, points, model);
      damping = Math.max(damping / DAMPING.factor, DAMPING.least);
    } else {
      // Rounding alone can raise the energy of a curve that is done.
      converged = expected <= TOLERANCE * energy;
      damping *= DAMPING.factor;
    }
  }
  return { points, energy: energy * segments, length: sum(segmentLengths(metric, points)), iterations, converged };
}

/*
 * The shortest curve from a to b among those that lie near the given starts, each an array of points; the straight
 * line is always one. Where nothing is shorter than the straight line, that is what comes back.
 */
function shortestCurve(metric, a, b, starts = []) {
  const line = straightLine(a, b);
  if (metric instanceof StraightMetric) {
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    return { points: line, energy: length * length, length, iterations: 0, converged: true };
  }
  let best = minimizeEnergy(metric, line);
  for (const start of starts) {
    const found = minimizeEnergy(metric, resample(metric, start));
    if (found.length < best.length) best = found;
  }
  return best;
}
