// What latent points decode to: the decoder's dense layers, or a table of decoded values where it has others.

const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => (x > 0 ? x : 0),
  leaky_relu: (x) => (x > 0 ? x : 0.2 * x),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  silu: (x) => x / (1 + Math.exp(-x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  tanh: Math.tanh,
  exponential: Math.exp,
  // Mean counts, their logarithms bounded by 20: tfgeo.models.PoissonDecoder.
  bounded_exponential: (x) => Math.exp(20 * Math.tanh(x / 20)),
};

class DenseDecoder {
  /* layers: { inputs, outputs, kernel [inputs, outputs], bias, activation, residual }, the last of data's width. */
  constructor(layers) {
    this.layers = layers;
  }

  /* Points [n][2] to rows of decoded values, one Float32Array each. */
  decode(points) {
    return points.map((point) => {
      let values = Float32Array.from(point);
      for (const { inputs, outputs, kernel, bias, activation, residual } of this.layers) {
        const next = Float32Array.from(bias), act = ACTIVATIONS[activation];
        for (let i = 0; i < inputs; i++) {
          const value = values[i], row = i * outputs;
          // Half of what comes out of a rectifier is 0.
          if (value !== 0) for (let j = 0; j < outputs; j++) next[j] += value * kernel[row + j];
        }
        for (let j = 0; j < outputs; j++) next[j] = act(next[j]) + (residual ? values[j] : 0);
        values = next;
      }
      return values;
    });
  }
}

class TableDecoder {
  /* values: [resolution, resolution, width], rows along the second axis; decoded at the nodes, linear in between. */
  constructor(bounds, resolution, width, values) {
    Object.assign(this, { bounds, resolution, width, values });
  }

  decode(points) {
    const last = this.resolution - 1, { width, values, bounds } = this;
    return points.map((point) => {
      const [x, y] = point.map((value, axis) => {
        const [low, high] = bounds[axis];
        return Math.min(Math.max(((value - low) / (high - low)) * last, 0), last);
      });
      const column = Math.min(Math.floor(x), last - 1), row = Math.min(Math.floor(y), last - 1);
      const s = x - column, t = y - row, at = (row * this.resolution + column) * width;
      const corners = [[at, (1 - s) * (1 - t)], [at + width, s * (1 - t)]];
      corners.push([at + this.resolution * width, (1 - s) * t], [at + (this.resolution + 1) * width, s * t]);
      const result = new Float32Array(width);
      for (const [from, weight] of corners) for (let j = 0; j < width; j++) result[j] += weight * values[from + j];
      return result;
    });
  }
}
