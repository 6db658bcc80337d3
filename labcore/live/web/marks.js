/* The marks: what of the data each needs, how far it reaches, and how it is drawn on a canvas.

   A mark comes from Python (marks.py) as {type, color, dash, shape, ...}; its paths have been
   replaced by numbers and arrays when it gets here. */

import { contours } from "d3-contour";
import { area, line } from "d3-shape";
import { binned, extent, flat, reader } from "./arrays.js";
import { lookupTable } from "./theme.js";

export const DASHES = [[], [7, 4], [2, 3], [8, 3, 2, 3]];
const MANY = 1500; // more dots than this are drawn as small squares, which is ten times as fast

/**
 * @typedef {object} Pen
 * @property {CanvasRenderingContext2D} context
 * @property {(value: number) => number} x  position in pixels
 * @property {(value: number) => number} y
 * @property {number} width
 * @property {number} height
 * @property {ReturnType<import("./theme.js").readTheme>} theme
 * @property {[number, number]} domain  of the x axis
 */

/** The colour of a mark: a number of the series, or a name: "ink", "muted", "white". */
export const colorOf = (mark, theme) =>
  typeof mark.color === "number" ? theme.series[mark.color % theme.series.length] : theme[mark.color];

const rows = (array) => (array.shape.length > 1 ? array.shape[0] : 1);
const columns = (array) => array.shape.at(-1);
const both = (...parts) => {
  const known = parts.filter(Boolean);
  return known.length ? [Math.min(...known.map((p) => p[0])), Math.max(...known.map((p) => p[1]))] : null;
};
const span = (value) => (typeof value === "number" ? [value, value] : value && extent(value));

/** Read row i, column j of a one- or two-dimensional array, the rows of a vector being equal. */
function rowReader(array, length) {
  if (!array) return (_, j) => j;
  const read = reader(array);
  if (columns(array) !== length) throw new Error(`x has ${columns(array)} values, y ${length}`);
  return array.shape.length > 1 ? read : (_, j) => read(j);
}

const stroked = {
  extents: ({ x, y }) => ({ x: x ? extent(x) : [0, columns(y) - 1], y: extent(y) }),
  draw({ context, x, y, theme }, { x: xs, y: ys, ...mark }) {
    const n = columns(ys);
    const readX = rowReader(xs, n);
    const readY = rowReader(ys, n);
    const indices = Array.from({ length: n }, (_, j) => j);
    context.strokeStyle = colorOf(mark, theme);
    context.lineWidth = mark.width;
    context.globalAlpha = mark.opacity;
    context.setLineDash(DASHES[mark.dash % DASHES.length]);
    context.lineJoin = "round";
    for (let i = 0; i < rows(ys); i++) {
      const path = line()
        .defined((j) => Number.isFinite(readY(i, j)) && Number.isFinite(readX(i, j)))
        .x((j) => x(readX(i, j)))
        .y((j) => y(readY(i, j)))
        .context(context);
      context.beginPath();
      path(indices);
      context.stroke();
    }
  },
};

const band = {
  extents: ({ x, low, high }) => ({ x: extent(x), y: both(extent(low), extent(high)) }),
  draw({ context, x, y, theme }, { x: xs, low, high, ...mark }) {
    const [readX, readLow, readHigh] = [xs, low, high].map(reader);
    const indices = Array.from({ length: columns(xs) }, (_, j) => j);
    context.fillStyle = colorOf(mark, theme);
    context.globalAlpha = mark.opacity;
    context.beginPath();
    area()
      .defined((j) => Number.isFinite(readLow(j)) && Number.isFinite(readHigh(j)))
      .x((j) => x(readX(j)))
      .y0((j) => y(readLow(j)))
      .y1((j) => y(readHigh(j)))
      .context(context)(indices);
    context.fill();
  },
};

/** One dot: circle, square, triangle, diamond, told apart without their colours. */
export function symbol(context, shape, x, y, radius) {
  if (shape % 4 === 0) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  } else if (shape % 4 === 1) {
    context.rect(x - 0.9 * radius, y - 0.9 * radius, 1.8 * radius, 1.8 * radius);
  } else {
    const corners = shape % 4 === 2
      ? [[0, -1.15], [1.05, 0.8], [-1.05, 0.8]]
      : [[0, -1.25], [1.25, 0], [0, 1.25], [-1.25, 0]];
    corners.forEach(([u, v], i) =>
      i ? context.lineTo(x + u * radius, y + v * radius) : context.moveTo(x + u * radius, y + v * radius));
    context.closePath();
  }
}

const dots = {
  extents: ({ x, y }) => ({ x: extent(x), y: extent(y) }),
  draw({ context, x, y, theme }, { x: xs, y: ys, values, ...mark }) {
    const [readX, readY] = [xs, ys].map(reader);
    const n = columns(xs);
    const radius = mark.size / 2;
    context.globalAlpha = mark.opacity;
    context.fillStyle = context.strokeStyle = colorOf(mark, theme);
    const tint = values && tinter(values, mark, theme);
    if (tint) context.strokeStyle = theme.muted;
    if (n > MANY) {
      const side = Math.max(1.8 * radius, 1);
      for (let j = 0; j < n; j++) {
        if (tint) context.fillStyle = tint(j);
        context.fillRect(x(readX(j)) - side / 2, y(readY(j)) - side / 2, side, side);
      }
      return;
    }
    for (let j = 0; j < n; j++) {
      const [px, py] = [x(readX(j)), y(readY(j))];
      if (!Number.isFinite(px) || !Number.isFinite(py)) continue;
      if (tint) context.fillStyle = tint(j);
      context.beginPath();
      symbol(context, mark.shape, px, py, radius);
      context.fill();
      if (tint) context.stroke(); // a colour may be that of the ground
    }
  },
};

/** The colour of each value, by the mark's map. */
function tinter(values, mark, theme) {
  const [low, high] = colorRange(values, mark);
  const read = reader(values);
  const map = theme.maps[mark.map];
  return (j) => map(Math.min(Math.max((read(j) - low) / (high - low || 1), 0), 1));
}

/** From which value to which a colour map goes; that of a diverging one is centred on zero. */
export function colorRange(values, mark) {
  const [low, high] = mark.range ?? extent(values) ?? [0, 1];
  if (mark.range || mark.map !== "diverging") return [low, high];
  const most = Math.max(Math.abs(low), Math.abs(high));
  return [-most, most];
}

const histogram = {
  extents({ values, bins, range, density }) {
    const reach = range ?? extent(values) ?? [0, 1];
    return { x: reach, y: [0, Math.max(...binned(values, bins, reach, density))] };
  },
  draw({ context, x, y, theme, domain }, { values, bins, range, density, ...mark }) {
    const reach = range ?? extent(values) ?? domain;
    const heights = binned(values, bins, reach, density);
    const edge = (i) => x(reach[0] + (i * (reach[1] - reach[0])) / bins);
    context.fillStyle = context.strokeStyle = colorOf(mark, theme);
    context.beginPath();
    heights.forEach((height, i) => {
      context.rect(edge(i), y(height), edge(i + 1) - edge(i), y(0) - y(height));
    });
    context.globalAlpha = mark.opacity;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1.2;
    context.beginPath();
    context.moveTo(edge(0), y(0));
    heights.forEach((height, i) => {
      context.lineTo(edge(i), y(height));
      context.lineTo(edge(i + 1), y(height));
    });
    context.lineTo(edge(bins), y(0));
    context.stroke();
  },
};

/** How far a grid's cells reach: half a cell beyond its first and its last point. */
function cells([first, last], count, toEdges) {
  if (toEdges) return [first, last];
  const half = count > 1 ? (last - first) / (count - 1) / 2 : 0.5;
  return [first - half, last + half];
}

const image = {
  extents: ({ x, y }) => ({ x, y }),
  draw({ context, x, y, theme }, { values, x: xRange, y: yRange, ...mark }) {
    const [m, n] = values.shape;
    const [low, high] = colorRange(values, mark);
    const table = lookupTable(theme.maps[mark.map]);
    const read = reader(values);
    const picture = new OffscreenCanvas(n, m);
    const pixels = new ImageData(n, m);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const share = (read(i, j) - low) / (high - low || 1);
        const entry = 4 * Math.min(Math.max(Math.round(255 * share), 0), 255);
        const to = 4 * (i * n + j);
        // Not a number: left transparent.
        if (share === share) for (let c = 0; c < 4; c++) pixels.data[to + c] = table[entry + c];
      }
    }
    picture.getContext("2d").putImageData(pixels, 0, 0);
    const [x0, x1] = cells(xRange, n, mark.down).map(x);
    const [y0, y1] = cells(yRange, m, mark.down).map(y);
    context.globalAlpha = mark.opacity;
    context.imageSmoothingEnabled = false;
    context.save();
    context.translate(x0, y0); // row 0 at y0; the y axis points up, so the picture is flipped
    context.scale((x1 - x0) / n, (y1 - y0) / m);
    context.drawImage(picture, 0, 0);
    context.restore();
  },
};

const contour = {
  extents: ({ x, y }) => ({ x, y }),
  draw({ context, x, y, theme }, { values, x: [x0, x1], y: [y0, y1], levels, ...mark }) {
    const [m, n] = values.shape;
    const reach = extent(values);
    if (!reach) return;
    const [low, high] = reach;
    const at = Array.isArray(levels)
      ? levels
      : Array.from({ length: levels }, (_, k) => low + ((k + 1) * (high - low)) / (levels + 1));
    context.strokeStyle = colorOf(mark, theme);
    context.lineWidth = mark.width;
    context.globalAlpha = mark.opacity;
    context.setLineDash(DASHES[mark.dash % DASHES.length]);
    const toX = (u) => x(x0 + ((u - 0.5) * (x1 - x0)) / (n - 1));
    const toY = (v) => y(y0 + ((v - 0.5) * (y1 - y0)) / (m - 1));
    // d3-contour closes its regions along the border: those pieces are no level lines.
    const onBorder = ([u, v], [s, t]) =>
      (u === s && (u <= 0.5 || u >= n - 0.5)) || (v === t && (v <= 0.5 || v >= m - 0.5));
    context.beginPath();
    for (const region of contours().size([n, m]).thresholds(at)(flat(values))) {
      for (const ring of region.coordinates.flat()) {
        ring.forEach((point, i) => {
          const clipped = [Math.min(Math.max(point[0], 0.5), n - 0.5), Math.min(Math.max(point[1], 0.5), m - 0.5)];
          const [px, py] = [toX(clipped[0]), toY(clipped[1])];
          if (i && !onBorder(ring[i - 1], point)) context.lineTo(px, py);
          else context.moveTo(px, py);
        });
      }
    }
    context.stroke();
  },
};

const vectors = {
  extents: ({ x, y }) => ({ x: extent(x), y: extent(y) }),
  draw({ context, x, y, theme }, { x: xs, y: ys, u, v, scale, ...mark }) {
    const [px, py, pu, pv] = [xs, ys, u, v].map(flat);
    context.strokeStyle = context.fillStyle = colorOf(mark, theme);
    context.lineWidth = mark.width;
    context.globalAlpha = mark.opacity;
    for (let i = 0; i < px.length; i++) {
      const [ax, ay] = [x(px[i]), y(py[i])];
      const [bx, by] = [x(px[i] + scale * pu[i]), y(py[i] + scale * pv[i])];
      const length = Math.hypot(bx - ax, by - ay);
      if (!(length > 0.5)) continue;
      const head = Math.min(5, 0.45 * length);
      const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
      context.beginPath();
      context.moveTo(ax, ay);
      context.lineTo(bx - head * ux, by - head * uy);
      context.stroke();
      context.beginPath();
      context.moveTo(bx, by);
      context.lineTo(bx - head * (ux + 0.5 * uy), by - head * (uy - 0.5 * ux));
      context.lineTo(bx - head * (ux - 0.5 * uy), by - head * (uy + 0.5 * ux));
      context.fill();
    }
  },
};

const bars = {
  extents: ({ x, heights }) => {
    const [low, high] = x ? extent(x) : [0, columns(heights) - 1];
    return { x: [low - 0.6, high + 0.6], y: both(extent(heights), [0, 0]) };
  },
  draw({ context, x, y, theme }, { x: xs, heights, width, ...mark }) {
    const read = reader(heights);
    const place = xs ? reader(xs) : (j) => j;
    context.fillStyle = colorOf(mark, theme);
    context.globalAlpha = mark.opacity;
    for (let j = 0; j < columns(heights); j++) {
      const left = x(place(j) - width / 2);
      context.fillRect(left, y(Math.max(read(j), 0)), x(place(j) + width / 2) - left, Math.abs(y(read(j)) - y(0)));
    }
  },
};

const graph = {
  extents: ({ x, y }) => ({ x: extent(x), y: extent(y) }),
  draw(pen, { edges, ...mark }) {
    const { context, x, y, theme } = pen;
    const [readX, readY, end] = [mark.x, mark.y, edges].map(reader);
    context.strokeStyle = theme.muted;
    context.lineWidth = mark.width;
    context.globalAlpha = mark.opacity;
    context.beginPath();
    for (let k = 0; k < rows(edges); k++) {
      const [i, j] = [end(k, 0), end(k, 1)];
      context.moveTo(x(readX(i)), y(readY(i)));
      context.lineTo(x(readX(j)), y(readY(j)));
    }
    context.stroke();
    dots.draw(pen, { ...mark, opacity: 1 });
  },
};

const rule = {
  extents: ({ x, y }) => ({ x: span(x), y: span(y) }),
  draw({ context, x, y, width, height, theme }, mark) {
    context.strokeStyle = colorOf(mark, theme);
    context.lineWidth = mark.width;
    context.globalAlpha = mark.opacity;
    context.setLineDash(DASHES[mark.dash % DASHES.length]);
    const each = (value) => (value === undefined ? [] : typeof value === "number" ? [value] : flat(value));
    context.beginPath();
    for (const value of each(mark.x)) {
      context.moveTo(x(value), 0);
      context.lineTo(x(value), height);
    }
    for (const value of each(mark.y)) {
      context.moveTo(0, y(value));
      context.lineTo(width, y(value));
    }
    context.stroke();
  },
};

/* Points that are dragged: they lie on a layer of their own (points.js). */
const handles = { extents: ({ points }) => ({ x: extent(points.x), y: extent(points.y) }), draw() {} };

export const MARKS = {
  line: stroked, band, dots, histogram, image, contour, vectors, bars, graph, rule, handles,
};

/** Which fields of a mark are paths (or numbers). */
export const DATA = {
  line: ["x", "y"],
  band: ["x", "low", "high"],
  dots: ["x", "y", "values"],
  histogram: ["values"],
  image: ["values"],
  contour: ["values"],
  vectors: ["x", "y", "u", "v"],
  bars: ["x", "heights"],
  graph: ["x", "y", "edges", "values"],
  rule: ["x", "y"],
  handles: [],
};
