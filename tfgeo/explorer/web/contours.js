// Lines of equal distance by marching squares.

/* About so many round levels up to a value. */
function roundLevels(most, count) {
  const rough = most / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough);
  const levels = [];
  for (let level = step; level < most; level += step) levels.push(Number(level.toPrecision(6)));
  return levels;
}

/*
 * Lines where values [rows * columns], first axis first, pass a level: arrays of points [x, y] in units of nodes.
 * Each cell has up to two pieces of them; pieces that meet on an edge of cells are joined.
 */
function contourLines(values, columns, rows, level) {
  // Pieces by the edge of the grid on which they end. Edge 2 n goes right from node n, 2 n + 1 goes up.
  const links = new Map();
  const join = (a, b) => {
    for (const [from, to] of [[a, b], [b, a]]) {
      if (links.has(from)) links.get(from).push(to);
      else links.set(from, [to]);
    }
  };
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const node = row * columns + column;
      const corners = [node, node + 1, node + columns + 1, node + columns].map((at) => values[at]);
      if (!corners.every(Number.isFinite)) continue;
      const edges = [2 * node, 2 * (node + 1) + 1, 2 * (node + columns), 2 * node + 1];
      const crossed = edges.filter((_, k) => corners[k] < level !== corners[(k + 1) % 4] < level);
      if (crossed.length === 2) join(crossed[0], crossed[1]);
      if (crossed.length === 4) {
        // A saddle: the middle says which corners belong together.
        const joined = sum(corners) / 4 < level === corners[0] < level;
        const [bottom, right, top, left] = edges;
        for (const [a, b] of joined ? [[bottom, right], [top, left]] : [[bottom, left], [top, right]]) join(a, b);
      }
    }
  }
  const place = (edge) => {
    const node = edge >> 1, other = node + (edge & 1 ? columns : 1);
    const t = (level - values[node]) / (values[other] - values[node]);
    const column = node % columns, row = (node - column) / columns;
    return edge & 1 ? [column, row + t] : [column + t, row];
  };
  const lines = [], follow = (edge) => {
    const line = [];
    for (let previous = -1; links.has(edge);) {
      line.push(place(edge));
      const next = links.get(edge).find((other) => other !== previous && links.has(other));
      links.delete(edge);
      previous = edge;
      if (next === undefined) break;
      edge = next;
    }
    return line;
  };
  // Open lines from their ends first, then closed ones, which end where they began.
  for (const [edge, others] of [...links]) if (others.length === 1 && links.has(edge)) lines.push(follow(edge));
  for (const edge of [...links.keys()]) {
    if (links.has(edge)) {
      const line = follow(edge);
      lines.push([...line, line[0]]);
    }
  }
  return lines.filter((line) => line.length > 1);
}
