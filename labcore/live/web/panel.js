/* One panel: axes below, marks on a canvas, what can be dragged above. */

import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { element, italic, svgElement } from "./dom.js";
import { colorOf, colorRange, DASHES, DATA, MARKS, symbol } from "./marks.js";
import { Handles } from "./points.js";
import { resolve } from "./paths.js";
import { format } from "./numbers.js";

const NARROW = 420;
const TALLEST = 460;

export class Panel {
  /** @param {object} spec @param {object} figure what the handles need: state and set() */
  constructor(spec, figure) {
    this.spec = spec;
    this.root = element("div", { class: "lf-panel" });
    if (spec.title) this.root.append(element("p", { class: "lf-title" }, italic(spec.title)));
    this.legend = this.root.appendChild(element("ul", { class: "lf-legend" }));
    this.plot = this.root.appendChild(element("div", { class: "lf-plot" }));
    this.axes = this.plot.appendChild(svgElement("svg", { class: "lf-axes", "aria-hidden": "true" }));
    this.canvas = this.plot.appendChild(element("canvas", { "aria-hidden": "true" }));
    this.context = this.canvas.getContext("2d");
    this.domains = { x: null, y: null };
    this.handles = spec.marks
      .filter((mark) => mark.type === "handles")
      .map((mark) => new Handles(mark, figure, this));
  }

  /** Take the room that the panel will need, and draw its axes if their ranges are known. */
  reserve(width, theme) {
    this.#arrange([], width);
    this.handles.forEach((handles) => handles.draw());
    this.#explain(null, theme);
  }

  /** Draw for the values that `lookup` knows, `width` pixels wide. */
  draw(lookup, width, theme) {
    const marks = this.spec.marks.map((mark) => resolved(mark, lookup));
    this.#arrange(marks, width);
    const { x, y, inner } = this;
    const pen = {
      context: this.context, theme, width: inner.width, height: inner.height,
      x: fast(x), y: fast(y), domain: x.domain(),
    };
    const density = devicePixelRatio * (this.canvas.currentCSSZoom ?? 1);
    const size = [Math.round(inner.width * density), Math.round(inner.height * density)];
    if (this.canvas.width !== size[0]) this.canvas.width = size[0];
    if (this.canvas.height !== size[1]) this.canvas.height = size[1];
    this.context.setTransform(density, 0, 0, density, 0, 0);
    this.context.clearRect(0, 0, inner.width, inner.height);
    for (const mark of marks) {
      this.context.save();
      MARKS[mark.type].draw(pen, mark);
      this.context.restore();
    }
    this.handles.forEach((handles) => handles.draw());
    this.#explain(marks, theme);
  }

  /** Choose domains, sizes and scales; draw the axes anew when these changed. */
  #arrange(marks, width) {
    const reach = { x: null, y: null };
    for (const mark of marks) {
      const extents = MARKS[mark.type].extents(mark);
      for (const side of ["x", "y"]) {
        const part = extents[side];
        if (!part) continue;
        const so = reach[side] ?? part;
        reach[side] = [Math.min(so[0], part[0]), Math.max(so[1], part[1])];
      }
    }
    const domains = {};
    for (const side of ["x", "y"]) {
      const axis = this.spec[side];
      const tight = side === "x" || this.spec.marks.some((mark) => mark.type === "image");
      domains[side] = axis.range ?? comfortable(reach[side], this.domains[side], axis.scale, tight);
    }
    const left = this.spec.y.ticks === false ? 12 : 46;
    const margin = {
      left, right: 14, top: this.spec.y.label ? 26 : 10,
      bottom: (this.spec.x.ticks === false ? 8 : 24) + (this.spec.x.label ? 18 : 0),
    };
    const inner = { width: width - margin.left - margin.right };
    const height = this.spec.height * (width < NARROW ? 0.88 : 1);
    if (this.spec.equal) equalise(domains, inner, Math.min(TALLEST, Math.max(height, 0.9 * inner.width)), this.spec);
    else inner.height = height - margin.top - margin.bottom;
    const key = JSON.stringify([width, domains, inner, margin]);
    if (key === this.key) return;
    Object.assign(this, { key, domains, inner, margin });
    const downwards = this.spec.marks.some((mark) => mark.down);
    this.x = scaleOf(this.spec.x).domain(domains.x).range([0, inner.width]);
    this.y = scaleOf(this.spec.y).domain(domains.y).range(downwards ? [0, inner.height] : [inner.height, 0]);
    this.#drawAxes(width, inner.height + margin.top + margin.bottom);
  }

  #drawAxes(width, height) {
    const { x, y, inner, margin, spec } = this;
    this.root.style.maxWidth = `${width}px`; // a long legend wraps
    Object.assign(this.plot.style, { width: `${width}px`, height: `${height}px` });
    Object.assign(this.canvas.style, {
      left: `${margin.left}px`, top: `${margin.top}px`,
      width: `${inner.width}px`, height: `${inner.height}px`,
    });
    const svg = select(this.axes).attr("width", width).attr("height", height);
    svg.selectAll("*").remove();
    const frame = svg.append("g").attr("transform", `translate(${margin.left},${margin.top})`);
    if (spec.x.ticks !== false) {
      const axis = ticked(axisBottom(x), x, spec.x, inner.width / 75).tickSize(-inner.height).tickPadding(7);
      frame.append("g").attr("class", "lf-axis").attr("transform", `translate(0,${inner.height})`).call(axis);
    }
    if (spec.y.ticks !== false) {
      frame.append("g").attr("class", "lf-axis")
        .call(ticked(axisLeft(y), y, spec.y, inner.height / 45).tickSize(-inner.width).tickPadding(7));
    }
    if (spec.x.ticks !== false || spec.y.ticks !== false) {
      frame.append("path").attr("class", "lf-frame").attr("d", `M0,0V${inner.height}H${inner.width}`);
    }
    const label = (text, className, at, anchor) => {
      const node = svgElement("text", { class: className, x: at[0], y: at[1], "text-anchor": anchor });
      node.append(...italic(text, true));
      this.axes.append(node);
    };
    if (spec.x.label) label(spec.x.label, "lf-label", [margin.left + inner.width, height - 4], "end");
    if (spec.y.label) label(spec.y.label, "lf-label", [2, 14], "start");
  }

  /** Where a pointer is, in the panel's data. */
  dataAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.inner.width / box.width; // the page may show the figure enlarged
    return [this.x.invert(scale * (event.clientX - box.left)), this.y.invert(scale * (event.clientY - box.top))];
  }

  /** The legend, with the ranges of the colour maps. */
  #explain(marks, theme) {
    const items = [];
    this.spec.marks.forEach((mark, i) => {
      if (mark.label) items.push([mark.label, { ...mark, ink: colorOf(mark, theme) }]);
      if (mark.colorbar) {
        const range = marks ? colorRange(marks[i].values, mark) : mark.range;
        const near = (v) => (Math.abs(v) < 1e-3 * (range[1] - range[0]) ? 0 : v); // not 1.5e-10
        const [low, high] = range?.map((v) => format(near(v), ".3g").replace("-", "−")) ?? ["–", "–"];
        items.push([[low, high], { ...mark, type: "map", colors: theme.maps[mark.map] }]);
      }
    });
    const key = JSON.stringify([items.map(([text, mark]) => [text, mark.ink]), theme.ink]);
    if (key === this.legendKey) return;
    this.legendKey = key;
    this.legend.replaceChildren(...items.map(([text, mark]) => legendItem(text, mark)));
  }
}

function legendItem(text, mark) {
  if (mark.type === "map") {
    const bar = element("span", { class: "lf-map" });
    const stops = Array.from({ length: 9 }, (_, i) => mark.colors(i / 8));
    bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
    return element("li", {}, [text[0], bar, text[1]]);
  }
  const density = devicePixelRatio;
  const swatch = element("canvas", { width: 30 * density, height: 12 * density, "aria-hidden": "true" });
  const context = swatch.getContext("2d");
  context.scale(density, density);
  context.fillStyle = context.strokeStyle = mark.ink;
  context.beginPath();
  if (mark.type === "line" || mark.type === "rule" || mark.type === "contour") {
    context.lineWidth = Math.max(mark.width, 1.5);
    context.setLineDash(DASHES[mark.dash % DASHES.length]);
    context.moveTo(1, 6);
    context.lineTo(29, 6);
    context.stroke();
  } else if (["dots", "handles", "graph"].includes(mark.type)) {
    symbol(context, mark.shape, 15, 6, 4.2);
    context.fill();
  } else {
    context.globalAlpha = Math.max(mark.opacity, 0.25);
    context.fillRect(4, 1, 22, 10);
  }
  return element("li", {}, [swatch, element("span", {}, italic(text))]);
}

/** A mark with its paths replaced by what they name. */
function resolved(mark, lookup) {
  const out = { ...mark };
  const get = (path) => (typeof path === "string" ? resolve(path, lookup) : path);
  for (const field of DATA[mark.type]) if (mark[field] !== undefined) out[field] = get(mark[field]);
  if (mark.points !== undefined) {
    const points = get(mark.points);
    const column = (k) => ({ ...points, shape: [points.shape[0]], strides: [points.strides[0]], offset: points.offset + k * points.strides[1] });
    if (mark.type === "handles") out.points = { x: column(0), y: column(1) };
    else Object.assign(out, { x: column(0), y: column(1) });
  }
  if (typeof out.y === "number" && mark.type === "line") throw new Error(`${mark.y} is a number, a line needs an array`);
  return out;
}

const scaleOf = ({ scale }) => (scale === "log" ? scaleLog() : scaleLinear());

/** A scale as a plain function: d3's general ones cost too much for ten thousand dots. */
function fast(scale) {
  if (scale.base) return (value) => (value > 0 ? scale(value) : NaN);
  const [[d0, d1], [r0, r1]] = [scale.domain(), scale.range()];
  const slope = (r1 - r0) / (d1 - d0);
  return (value) => r0 + (value - d0) * slope;
}

/** A domain for data that reach so far: the one we have as long as it serves, else a new one. */
function comfortable(reach, current, scale, tight) {
  if (!reach) return current ?? [0, 1];
  let [low, high] = reach;
  if (scale === "log") return scaleLog().domain([Math.max(low, 1e-300), high]).nice().domain();
  if (current && low >= current[0] && high <= current[1] && high - low > 0.5 * (current[1] - current[0])) return current;
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  if (tight) return [low, high];
  const padding = 0.04 * (high - low);
  return scaleLinear().domain([low === 0 ? 0 : low - padding, high + padding]).nice(5).domain();
}

/** One unit as long on both axes: widen the domain that has room, choosing the height. */
function equalise(domains, inner, tallest, spec) {
  const length = ([low, high]) => high - low;
  const ideal = (inner.width * length(domains.y)) / length(domains.x);
  inner.height = Math.min(ideal, tallest);
  const unit = inner.height / length(domains.y);
  const need = inner.width / unit;
  const isPicture = spec.marks.some((mark) => mark.type === "image");
  if (need > length(domains.x) + 1e-9 && !isPicture) {
    const middle = (domains.x[0] + domains.x[1]) / 2;
    domains.x = [middle - need / 2, middle + need / 2];
  } else inner.width = unit * length(domains.x);
}

function ticked(axis, scale, spec, about) {
  if (spec.categories) {
    return axis.tickValues(spec.categories.map((_, i) => i)).tickFormat((i) => spec.categories[i]);
  }
  if (spec.scale === "log") return axis.ticks(Math.max(about, 2)).tickFormat(power(scale.domain()));
  return axis.ticks(Math.min(Math.max(about, 2), 8));
}

/** Ticks of a logarithmic axis: whole powers alone, if there are two of them or more. */
function power([low, high]) {
  const decades = Math.log10(high / low);
  return (value) => {
    const exponent = Math.log10(value);
    const whole = Math.abs(exponent - Math.round(exponent)) < 1e-9;
    if (!whole) return decades < 1.5 ? String(Number(value.toPrecision(3))) : "";
    const n = Math.round(exponent);
    if (n >= -2 && n <= 3) return String(10 ** n).replace("-", "−");
    return `10${[...String(n)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("")}`;
  };
}
