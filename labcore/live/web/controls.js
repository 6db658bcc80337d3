/* The controls: native inputs with a label, a value that is read out, and 44 px to hit.

   Each is made by make(spec, figure) and gives {root, show(value)}; a change calls figure.set(). */

import { element, italic, KEYS, plain } from "./dom.js";
import { format } from "./numbers.js";

const LOG_STEPS = 200;
let count = 0;

/** The text of a control's value, as it is shown and read out. */
export function valueText(spec, value) {
  if (spec.type === "choice") return plain(spec.options.find(([, v]) => v === value)?.[0] ?? String(value));
  if (spec.type === "toggle") return value ? "on" : "off";
  if (spec.type === "points") return value.length === 1 ? "1 point" : `${value.length} points`;
  return format(value, spec.format).replace("-", "−") + (spec.unit ? ` ${spec.unit}` : "");
}

function labelled(spec, input, ...rest) {
  const id = `lf-input-${++count}`;
  input.id = id;
  for (const [name, value] of Object.entries(KEYS)) input.setAttribute(name, value);
  const label = element("label", { for: id }, italic(spec.label));
  return element("div", { class: `lf-control lf-${spec.type}` }, [label, input, ...rest]);
}

function button(text, action, attributes = {}) {
  const node = element("button", { type: "button", ...KEYS, ...attributes }, text);
  node.addEventListener("click", action);
  return node;
}

/** Positions of a range input and the values they stand for; a logarithmic one is stretched. */
function ruler({ low, high, step, scale }) {
  if (scale !== "log") return { attributes: { min: low, max: high, step }, value: Number, position: (v) => v };
  const ratio = Math.log(high / low);
  return {
    attributes: { min: 0, max: LOG_STEPS, step: 1 },
    value: (k) => Number((low * Math.exp((ratio * Number(k)) / LOG_STEPS)).toPrecision(3)),
    position: (v) => Math.round((LOG_STEPS * Math.log(v / low)) / ratio),
  };
}

function slider(spec, figure) {
  const { attributes, value, position } = ruler(spec);
  const input = element("input", { type: "range", ...attributes });
  const output = element("output", { "aria-hidden": "true" });
  input.addEventListener("input", () => figure.set({ [spec.name]: value(input.value) }));
  return {
    root: labelled(spec, input, output),
    show(current) {
      input.value = position(current);
      output.value = valueText(spec, current);
      input.setAttribute("aria-valuetext", valueText(spec, current));
    },
  };
}

/** A slider that moves by itself, step by step. */
function play(spec, figure) {
  const inner = slider(spec, figure);
  const start = button("", () => figure.player.toggle(spec), { class: "lf-start" });
  const next = button("Step", () => figure.player.step(spec), { "aria-label": `Step ${plain(spec.label)}` });
  inner.root.querySelector("label").after(element("span", { class: "lf-buttons" }, [start, next]));
  return {
    root: inner.root,
    show(current) {
      inner.show(current);
      const text = figure.player.runs(spec) ? "Pause" : "Play";
      if (start.textContent !== text) start.textContent = text;
      start.setAttribute("aria-label", `${text} ${plain(spec.label)}`);
    },
  };
}

function choice(spec, figure) {
  const options = spec.options.map(([label], i) => element("option", { value: i }, plain(label)));
  const input = element("select", {}, options);
  input.addEventListener("change", () => figure.set({ [spec.name]: spec.options[Number(input.value)][1] }));
  return {
    root: labelled(spec, input),
    show: (current) => (input.value = spec.options.findIndex(([, value]) => value === current)),
  };
}

function toggle(spec, figure) {
  const input = element("input", { type: "checkbox" });
  input.addEventListener("change", () => figure.set({ [spec.name]: input.checked }));
  return { root: labelled(spec, input), show: (current) => (input.checked = Boolean(current)) };
}

function seed(spec, figure) {
  const input = element("input", { type: "number", min: 0, max: 2 ** 32 - 1, step: 1, inputmode: "numeric" });
  const set = (value) => figure.set({ [spec.name]: value });
  input.addEventListener("change", () => {
    const value = Number(input.value);
    set(input.checkValidity() && input.value !== "" ? value : figure.state[spec.name]);
  });
  const draw = button("Draw again", () => set(1 + Math.floor(9999 * Math.random())));
  return { root: labelled(spec, input, draw), show: (current) => (input.value = current) };
}

function points(spec, figure) {
  const note = element("output", { "aria-hidden": "true" });
  const name = element("span", { class: "lf-name" }, italic(spec.label));
  const root = element("div", { class: "lf-control lf-points", role: "group", "aria-label": plain(spec.label) }, [name, note]);
  const parts = { root, show: (current) => (note.value = valueText(spec, current)) };
  if (!spec.add) return parts;
  // Half way up, and by the golden ratio along: added points do not hide each other.
  const next = (count) => {
    const along = (count * 0.618034) % 1;
    const [x, y] = [spec.x[0] + along * (spec.x[1] - spec.x[0]), (spec.y[0] + spec.y[1]) / 2];
    return [Number(x.toPrecision(3)), Number(y.toPrecision(3))];
  };
  const add = button("Add", () => {
    if (figure.state[spec.name].length >= spec.most) return;
    const before = figure.state[spec.name];
    figure.set({ [spec.name]: [...before, next(before.length)] });
    figure.focusPoint(spec.name, before.length);
  }, { "aria-label": `Add a point to ${plain(spec.label)}`, title: "or click in the plot" });
  const remove = button("Remove", () => {
    if (figure.state[spec.name].length <= spec.fewest) return;
    figure.set({ [spec.name]: figure.state[spec.name].slice(0, -1) });
  }, { "aria-label": `Remove the last point of ${plain(spec.label)}` });
  root.append(add, remove);
  parts.show = (current) => {
    note.value = valueText(spec, current);
    add.disabled = current.length >= spec.most;
    remove.disabled = current.length <= spec.fewest;
  };
  return parts;
}

const KINDS = { slider, play, choice, toggle, seed, points };

/** Make the control that `spec` describes. */
export const makeControl = (spec, figure) => KINDS[spec.type](spec, figure);

export { button };
