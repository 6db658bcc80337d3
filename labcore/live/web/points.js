/* Points that are dragged, added and removed, by pointer, touch and keyboard. */

import { KEYS, plain, svgElement } from "./dom.js";
import { format } from "./numbers.js";

const REACH = 22; // half of 44 px: what a finger can hit

export class Handles {
  #nodes = [];

  constructor(mark, figure, panel) {
    this.mark = mark;
    this.figure = figure;
    this.panel = panel;
    this.control = figure.spec.controls.find((control) => control.name === mark.points);
    this.layer = panel.plot.appendChild(
      svgElement("svg", { class: "lf-handles", role: "group", "aria-label": plain(this.control.label) }),
    );
    if (this.control.add) {
      this.ground = this.layer.appendChild(svgElement("rect", { class: "lf-ground" }));
      this.ground.addEventListener("click", (event) => this.#add(panel.dataAt(event)));
    }
    this.group = this.layer.appendChild(svgElement("g"));
  }

  get points() {
    return this.figure.state[this.control.name];
  }

  /** Put a handle at every point. */
  draw() {
    const { margin, inner, x, y } = this.panel;
    const size = { width: inner.width, height: inner.height };
    Object.assign(this.layer.style, { left: `${margin.left}px`, top: `${margin.top}px` });
    for (const [name, value] of Object.entries(size)) {
      this.layer.setAttribute(name, value);
      this.ground?.setAttribute(name, value);
    }
    while (this.#nodes.length > this.points.length) this.#nodes.pop().remove();
    while (this.#nodes.length < this.points.length) this.#nodes.push(this.#handle(this.#nodes.length));
    this.points.forEach(([px, py], i) => {
      this.#nodes[i].setAttribute("transform", `translate(${x(px)},${y(py)})`);
      const keys = `arrow keys move it${this.control.add ? ", Delete removes it" : ""}`;
      const at = `${this.#text(px)}, ${this.#text(py)}`;
      this.#nodes[i].setAttribute("aria-label", `Point ${i + 1} of ${this.points.length} at ${at}; ${keys}`);
    });
  }

  focus(i) {
    this.#nodes[i]?.focus();
  }

  #text(value) {
    return format(value, ".3g");
  }

  #handle(i) {
    const node = svgElement("g", { class: "lf-handle", tabindex: 0, role: "button", ...KEYS }, [
      svgElement("circle", { class: "lf-reach", r: REACH }),
      svgElement("circle", { class: "lf-knob", r: 6.5 }),
    ]);
    node.style.setProperty("--lf-knob", `var(--lf-c${this.mark.color})`);
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      node.focus({ preventScroll: true });
      event.preventDefault();
    });
    node.addEventListener("pointermove", (event) => {
      if (node.hasPointerCapture(event.pointerId)) this.#move(i, this.panel.dataAt(event));
    });
    node.addEventListener("keydown", (event) => this.#key(i, event));
    if (this.control.add) node.addEventListener("dblclick", () => this.#remove(i));
    this.group.append(node);
    return node;
  }

  #key(i, event) {
    const step = event.shiftKey ? 10 : 1;
    const [ux, uy] = this.#grain.map((grain) => 5 * grain * step);
    const moves = { ArrowLeft: [-ux, 0], ArrowRight: [ux, 0], ArrowUp: [0, uy], ArrowDown: [0, -uy] };
    if (moves[event.key]) {
      const [px, py] = this.points[i];
      this.#move(i, [px + moves[event.key][0], py + moves[event.key][1]]);
    } else if (this.control.add && ["Delete", "Backspace"].includes(event.key)) {
      this.#remove(i);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The grid on which positions are rounded, so that they are short to write down. */
  get #grain() {
    return [this.control.x, this.control.y].map(([low, high]) => 10 ** Math.floor(Math.log10((high - low) / 200)));
  }

  #rounded(position) {
    return position.map((value, k) => {
      const [low, high] = k === 0 ? this.control.x : this.control.y;
      const grain = this.#grain[k];
      const inside = Math.min(Math.max(value, low), high);
      return Number((Math.round(inside / grain) * grain).toPrecision(12));
    });
  }

  #move(i, position) {
    this.#set(this.points.map((point, k) => (k === i ? this.#rounded(position) : point)));
  }

  #add(position) {
    if (this.points.length >= this.control.most) return;
    this.#set([...this.points, this.#rounded(position)]);
  }

  #remove(i) {
    if (this.points.length <= this.control.fewest) return;
    this.#set(this.points.filter((_, k) => k !== i));
    this.focus(Math.min(i, this.points.length - 1));
  }

  #set(points) {
    this.figure.set({ [this.control.name]: points });
  }
}
