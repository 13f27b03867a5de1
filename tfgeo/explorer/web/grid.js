// Shortest paths over a grid by Dijkstra's algorithm: where a curve starts from, and distances to all of the plane.

// Nodes along the longer side of the plane.
const GRID_NODES = 100;
// Half of the steps to a node's 32 neighbours; the others are their negatives. In a flat metric a path of such steps is
// longer than the straight line by at most 1.3 %.
const STEPS = [
  [1, 0], [0, 1], [1, 1], [1, -1], [2, 1], [2, -1], [1, 2], [1, -2],
  [3, 1], [3, -1], [1, 3], [1, -3], [3, 2], [3, -2], [2, 3], [2, -3],
];
// Nodes in so many cells around a point are joined to it directly.
const REACH = 3;

/* A binary heap of nodes by distance. A node that comes nearer is put in again, and what is out of date is skipped. */
class Heap {
  constructor() {
    this.keys = [];
    this.nodes = [];
  }

  push(key, node) {
    const { keys, nodes } = this;
    let at = keys.length;
    keys.push(key);
    nodes.push(node);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent] <= key) break;
      keys[at] = keys[parent];
      nodes[at] = nodes[parent];
      at = parent;
    }
    keys[at] = key;
    nodes[at] = node;
  }

  /* The nearest node, or -1 where there is none. */
  pop() {
    const { keys, nodes } = this;
    if (!keys.length) return -1;
    const top = nodes[0], key = keys.pop(), node = nodes.pop(), size = keys.length;
    if (size) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && keys[child + 1] < keys[child]) child++;
        if (keys[child] >= key) break;
        keys[at] = keys[child];
        nodes[at] = nodes[child];
        at = child;
      }
      keys[at] = key;
      nodes[at] = node;
    }
    return top;
  }
}

class Grid {
  constructor(metric) {
    this.metric = metric;
    const sides = metric.bounds.map(([low, high]) => high - low), longest = Math.max(...sides);
    this.counts = sides.map((side) => Math.max(Math.round((GRID_NODES * side) / longest), 8));
    this.spacing = sides.map((side, axis) => side / (this.counts[axis] - 1));
    this.samples = this.sample();
    this.edges = STEPS.map((step) => this.measure(step));
  }

  /* Coordinates of a node; nodes are counted along the first axis first. */
  place(node) {
    const [columns] = this.counts, column = node % columns, row = (node - column) / columns;
    return [
      this.metric.bounds[0][0] + column * this.spacing[0], this.metric.bounds[1][0] + row * this.spacing[1],
    ];
  }

  /* The metric at nodes and half-way between them, three numbers each: on every edge that is both ends and middle. */
  sample() {
    const [columns, rows] = this.counts, width = 2 * columns - 1, height = 2 * rows - 1;
    const samples = new Float32Array(3 * width * height), g = new Float64Array(3);
    for (let row = 0, at = 0; row < height; row++) {
      for (let column = 0; column < width; column++, at += 3) {
        const [low0, low1] = this.metric.bounds.map(([low]) => low);
        this.metric.evaluate(low0 + (column * this.spacing[0]) / 2, low1 + (row * this.spacing[1]) / 2, g);
        samples.set(g, at);
      }
    }
    return samples;
  }

  /* Lengths of the edges from every node in the direction of a step. */
  measure([right, up]) {
    const { samples } = this, [columns, rows] = this.counts, lengths = new Float32Array(columns * rows).fill(Infinity);
    const dx = right * this.spacing[0], dy = up * this.spacing[1], width = 2 * columns - 1;
    const length = (at) => {
      const square = samples[at] * dx * dx + 2 * samples[at + 1] * dx * dy + samples[at + 2] * dy * dy;
      return Math.sqrt(Math.max(square, 0));
    };
    const half = 3 * (up * width + right);
    for (let row = Math.max(0, -up); row < rows - Math.max(0, up); row++) {
      for (let column = 0; column < columns - right; column++) {
        const at = 6 * (row * width + column);
        lengths[row * columns + column] = (length(at) + 2 * length(at + half) + length(at + 2 * half)) / 4;
      }
    }
    return lengths;
  }

  /* Length of the straight line from a point to that which is (dx, dy) away, near it. */
  lineLength([x, y], dx, dy) {
    const g = new Float64Array(3);
    this.metric.evaluate(x + dx / 2, y + dy / 2, g);
    return Math.sqrt(Math.max(g[0] * dx * dx + 2 * g[1] * dx * dy + g[2] * dy * dy, 0));
  }

  /* Nodes in the cells around a point, each with the length of the straight line to it. */
  around([x, y]) {
    const [columns, rows] = this.counts, near = [];
    const middle = [x, y].map((value, axis) => (value - this.metric.bounds[axis][0]) / this.spacing[axis]);
    for (let row = Math.max(0, Math.ceil(middle[1] - REACH)); row <= Math.min(rows - 1, middle[1] + REACH); row++) {
      const from = Math.max(0, Math.ceil(middle[0] - REACH));
      for (let column = from; column <= Math.min(columns - 1, middle[0] + REACH); column++) {
        const node = row * columns + column, [px, py] = this.place(node);
        near.push([node, this.lineLength([x, y], px - x, py - y)]);
      }
    }
    return near;
  }

  /* Distances from a point to all nodes, and the node before each on the way: { source, distances, before }. */
  distancesFrom(source) {
    const [columns, rows] = this.counts, count = columns * rows;
    const distances = new Float64Array(count).fill(Infinity), before = new Int32Array(count).fill(-1);
    const done = new Uint8Array(count), heap = new Heap();
    for (const [node, length] of this.around(source)) {
      distances[node] = length;
      heap.push(length, node);
    }
    for (let node = heap.pop(); node >= 0; node = heap.pop()) {
      if (done[node]) continue;
      done[node] = 1;
      const column = node % columns, row = (node - column) / columns, distance = distances[node];
      for (let k = 0; k < STEPS.length; k++) {
        const right = STEPS[k][0], up = STEPS[k][1], edges = this.edges[k], offset = up * columns + right;
        if (column + right < columns && row + up >= 0 && row + up < rows) {
          const other = node + offset, length = distance + edges[node];
          if (length < distances[other]) {
            distances[other] = length;
            before[other] = node;
            heap.push(length, other);
          }
        }
        if (column - right >= 0 && row - up >= 0 && row - up < rows) {
          const other = node - offset, length = distance + edges[other];
          if (length < distances[other]) {
            distances[other] = length;
            before[other] = node;
            heap.push(length, other);
          }
        }
      }
    }
    return { source, distances, before };
  }

  /* The path from the source of distances to a point, as points [x0, y0, ...]; null where the grid has none. */
  path({ source, distances, before }, end) {
    let best = -1, least = Infinity;
    for (const [node, length] of this.around(end)) {
      if (distances[node] + length < least) {
        least = distances[node] + length;
        best = node;
      }
    }
    if (best < 0) return null;
    const places = [end];
    for (let node = best; node >= 0; node = before[node]) places.push(this.place(node));
    places.push(source);
    return Float64Array.from(places.reverse().flat());
  }
}
