/* A live figure: state, controls, panels, numbers; it asks an engine to compute and draws. */

import { decode as decodeConstant, flat, ndarray } from "./arrays.js";
import { button, makeControl, valueText } from "./controls.js";
import { element, italic, plain } from "./dom.js";
import { Stopped } from "./engine.js";
import { format } from "./numbers.js";
import { Panel } from "./panel.js";
import { resolve } from "./paths.js";
import { Player } from "./player.js";
import { encode } from "./state.js";
import { onThemeChange, readTheme } from "./theme.js";

const PATIENCE = 500; // ms after which a computation can be stopped
const SILENCE = 800; // ms without a change before the summary is read out
const NARROWEST = 300; // px of a panel; below, panels stand one under the other
const NARROWEST_OF_THREE = 210; // three go side by side in a column of text
const GAP = 16;

export class LiveFigure {
  #engine;
  #outputs = null;
  #usedBy = null; // the kernel inputs that #outputs belong to
  #running = null;
  #again = false;
  #started = false;
  #theme = null;
  #watch = new AbortController();
  #speak = 0;
  #patience = 0;
  #frame = 0;

  /**
   * @param {object} spec  what figure.py writes
   * @param {object} options
   * @param {{warm(): Promise, run(jobs, state): Promise, stop(): void}} options.engine
   * @param {string} options.id  the figure's name in links
   * @param {(state: object) => void} [options.onChange]
   */
  constructor(spec, { engine, id, onChange = () => {} }) {
    this.spec = spec;
    this.id = id;
    this.#engine = engine;
    this.onChange = onChange;
    this.initial = Object.fromEntries(spec.controls.map((c) => [c.name, c.value]));
    this.state = { ...this.initial };
    this.constants = Object.fromEntries(Object.entries(spec.constants).map(([k, v]) => [k, decodeConstant(v)]));
    this.player = new Player(this);
    this.#build();
    this.#observe();
  }

  // --- State -------------------------------------------------------------------------------

  /** Change some of the controls. */
  set(changes, { playing = false, quiet = false } = {}) {
    const before = JSON.stringify(this.state);
    this.state = { ...this.state, ...changes };
    this.refresh();
    if (JSON.stringify(this.state) === before) return;
    if (!quiet) this.onChange(this.state);
    this.#request();
    if (!playing) this.#announce();
  }

  reset() {
    this.player.pause();
    this.set(this.initial);
  }

  get isChanged() {
    return JSON.stringify(this.state) !== JSON.stringify(this.initial);
  }

  /** Show the state in the controls. */
  refresh() {
    for (const [name, control] of Object.entries(this.controls)) control.show(this.state[name]);
    for (const [node, preset] of this.presets) {
      const isOn = Object.entries({ ...this.initial, ...preset }).every(
        ([name, value]) => JSON.stringify(this.state[name]) === JSON.stringify(value),
      );
      node.setAttribute("aria-pressed", isOn);
    }
  }

  focusPoint(name, i) {
    // The handle is made when the figure is next drawn.
    this.#drawNow();
    this.panels.flatMap((panel) => panel.handles).find((h) => h.control.name === name)?.focus(i);
  }

  // --- Computing ---------------------------------------------------------------------------

  /** Take the room that the figure will need, before anything is computed. */
  arrange() {
    this.#theme = readTheme(this.root);
    const width = this.#panelWidth();
    if (width <= 0) return; // not on the page, or folded away
    for (const panel of this.panels) panel.reserve(width, this.#theme);
  }

  /** Begin: compute and draw. */
  start() {
    this.#started = true;
    this.refresh();
    this.#request();
  }

  /** The figure is out of sight: give back its memory. The picture stays. */
  rest() {
    this.player.pause();
    this.#engine.stop();
  }

  /** Have the worker ready before it is needed. */
  warm() {
    return this.#engine.warm().catch(() => {}); // the first run reports it
  }

  destroy() {
    this.rest();
    this.#watch.abort();
    clearTimeout(this.#speak);
  }

  /** Compute for the latest state, or only draw when no input of the kernel has changed. */
  #request() {
    if (!this.#started) return;
    if (this.#running) {
      this.#again = true;
      if (performance.now() - this.#running > PATIENCE) this.#engine.stop(); // the new state wins
      return;
    }
    let jobs;
    try {
      jobs = this.#jobs();
    } catch (error) {
      return this.#fail(error);
    }
    const inputs = JSON.stringify(jobs, (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value));
    if (this.#outputs && inputs === this.#usedBy) return this.#drawSoon();
    this.#compute(jobs, inputs);
  }

  async #compute(jobs, inputs) {
    this.#running = performance.now();
    this.#again = false;
    this.root.dataset.state = "running";
    this.#patience = setTimeout(() => this.#status("Computing …", true), PATIENCE);
    try {
      const results = await this.#engine.run(jobs, this.state);
      const arrays = results.map((outputs) =>
        Object.fromEntries(Object.entries(outputs).map(([name, o]) => [name, ndarray(o.data, o.shape)])),
      );
      this.#outputs = Object.fromEntries(this.runs.map((name, i) => [name, arrays[i]]));
      this.#usedBy = inputs;
      this.milliseconds = performance.now() - this.#running;
      this.#status("");
      this.#drawNow();
    } catch (error) {
      if (!(error instanceof Stopped)) this.#fail(error);
      else if (!this.#again) {
        this.root.dataset.state = "stopped";
        this.#status("Stopped. Move a control to compute again.");
      }
    } finally {
      clearTimeout(this.#patience);
      this.#running = null;
      if (this.#again) {
        this.#again = false;
        this.#request();
      }
    }
  }

  get runs() {
    return this.spec.runs ? Object.keys(this.spec.runs) : [""];
  }

  /** What the kernel is asked for: its inputs in each run. */
  #jobs() {
    if (!this.spec.kernel) return [];
    return this.runs.map((run) => {
      const values = {};
      for (const name of this.spec.inputs) {
        const value = this.#input(run, name);
        values[name] = typeof value === "number" ? value : { data: flat(value), shape: value.shape };
      }
      return { kernel: this.spec.kernel, values, wanted: this.spec.outputs };
    });
  }

  #input(run, name) {
    const given = this.spec.runs?.[run]?.[name] ?? this.spec.arguments[name] ?? name;
    if (typeof given !== "string") return given;
    return resolve(given, (_, word) => this.#known(word));
  }

  /** A control's value or a constant, as a number or an array. */
  #known(name) {
    const value = this.state[name] ?? this.constants[name];
    if (value === undefined) throw new Error(`there is nothing called ${name}`);
    if (typeof value === "boolean") return Number(value);
    if (Array.isArray(value)) return ndarray(Float64Array.from(value.flat()), [value.length, 2]);
    return value;
  }

  /** What a path's name stands for: an output, else an input. */
  #lookup = (run, name) => {
    if (name === "$milliseconds") {
      const times = this.runs.map((r) => this.#outputs[r].$milliseconds?.data[0] ?? NaN); // Python tells none
      return ndarray(Float64Array.from(times));
    }
    const from = run ?? this.runs[0];
    const outputs = this.#outputs?.[from];
    if (run !== undefined && !outputs) throw new Error(`there is no run called ${run}`);
    if (outputs && name in outputs) return outputs[name];
    return this.spec.inputs.includes(name) ? this.#input(from, name) : this.#known(name);
  };

  // --- Drawing -----------------------------------------------------------------------------

  #drawSoon() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (!this.#outputs) return this.arrange();
    try {
      this.#theme ??= readTheme(this.root);
      const width = this.#panelWidth();
      if (width <= 0) return; // not on the page, or folded away
      for (const panel of this.panels) panel.draw(this.#lookup, width, this.#theme);
      for (const { output, value, format: spec } of this.numbers) {
        const found = resolve(value, this.#lookup);
        const number = found.shape ? found.data[found.offset] : found; // of all times the first
        const isUnknown = Number.isNaN(number) && value.startsWith("$");
        output.textContent = isUnknown ? "–" : format(number, spec).replace(/^-/, "−");
      }
      this.root.dataset.state = "ready";
      this.root.dataset.drawn = Number(this.root.dataset.drawn ?? 0) + 1;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Panels stand side by side as long as each has room. */
  #panelWidth() {
    const width = Math.floor(parseFloat(getComputedStyle(this.stage).width) || 0); // clientWidth may round up
    const count = this.panels.length;
    const least = count % 3 === 0 ? NARROWEST_OF_THREE : NARROWEST;
    const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (least + GAP))));
    return Math.floor((width - (columns - 1) * GAP) / columns);
  }

  #fail(error) {
    this.player.pause();
    this.root.dataset.state = "error";
    this.#status(`This figure could not be computed: ${error.message}.`, false, true);
  }

  // --- The page ----------------------------------------------------------------------------

  #build() {
    const { spec } = this;
    this.root = element("div", { class: "lf", role: "group", "aria-label": plain(spec.title ?? "Live figure") });
    if (spec.alt) this.root.append(element("p", { class: "lf-hidden" }, spec.alt));
    this.presets = spec.presets.map(([name, preset]) => [
      button(italic(name), () => {
        this.player.pause();
        this.set({ ...this.initial, ...preset });
      }),
      preset,
    ]);
    if (this.presets.length) {
      const buttons = this.presets.map(([node]) => node);
      const row = { class: "lf-presets", role: "group", "aria-label": "Settings to try" };
      this.root.append(element("div", row, [element("span", {}, "Try"), ...buttons]));
    }
    this.panels = spec.panels.map((panel) => new Panel(panel, this));
    this.stage = element("div", { class: "lf-stage" }, this.panels.map((panel) => panel.root));
    this.root.append(this.stage);
    this.numbers = spec.numbers.map((number, i) => {
      const text = spec.expected?.numbers[i].replace(/^-/, "−") ?? "–"; // takes the room, until computed
      return { ...number, output: element("dd", {}, text) };
    });
    if (this.numbers.length) {
      const entry = ({ label, output }) => element("div", {}, [element("dt", {}, italic(label)), output]);
      this.root.append(element("dl", { class: "lf-numbers" }, this.numbers.map(entry)));
    }
    this.controls = Object.fromEntries(spec.controls.map((control) => [control.name, makeControl(control, this)]));
    const made = Object.values(this.controls).map((control) => control.root);
    this.root.append(element("div", { class: "lf-controls" }, made), this.#toolbar());
    this.summary = element("p", { class: "lf-hidden", "aria-live": "polite" });
    this.root.append(this.summary);
    this.root.addEventListener("keydown", (event) => {
      const isTyping = event.target.matches("select, input:not([type=range], [type=checkbox])");
      if (event.key !== "r" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
      event.preventDefault();
      this.reset();
    });
    this.refresh();
  }

  #toolbar() {
    this.status = element("span", { class: "lf-status", role: "status" });
    this.halt = button("Stop", () => this.#engine.stop(), { hidden: "" });
    const reset = button("Reset", () => this.reset(), { "aria-keyshortcuts": "r", title: "Reset (key r)" });
    const tools = [this.status, this.halt, reset];
    if (this.id) tools.push(button("Copy link", () => this.#copyLink(), { title: "A link to this figure as it stands" }));
    return element("div", { class: "lf-toolbar" }, tools);
  }

  /** The address of this figure as it stands. */
  get link() {
    return `${location.href.split("#")[0]}#${this.id}:${encode(this.state)}`;
  }

  async #copyLink() {
    try {
      await navigator.clipboard.writeText(this.link);
      this.#status("Link copied.");
    } catch {
      history.replaceState(null, "", this.link);
      this.#status("The link is in the address bar.");
    }
  }

  #status(text, canStop = false, isError = false) {
    this.status.textContent = text;
    this.status.classList.toggle("lf-error", isError);
    this.halt.hidden = !canStop;
  }

  /** Say what is seen, once the reader has stopped changing it. */
  #announce() {
    clearTimeout(this.#speak);
    this.#speak = setTimeout(() => (this.summary.textContent = this.describe()), SILENCE);
  }

  /** One sentence or two about what is shown. */
  describe() {
    const controls = this.spec.controls.map((c) => [c.name, plain(c.label), valueText(c, this.state[c.name])]);
    const numbers = this.numbers.map((n) => [n.label, plain(n.label), n.output.textContent]);
    if (this.spec.summary) {
      const known = Object.fromEntries([...controls, ...numbers].map(([name, , text]) => [name, text]));
      return this.spec.summary.replace(/\{([^}]+)\}/g, (_, name) => known[name] ?? name);
    }
    const list = (items) => items.map(([, label, text]) => `${label} ${text}`).join(", ");
    return [list(controls), list(numbers)].filter(Boolean).join(". ");
  }

  #observe() {
    const { signal } = this.#watch;
    const sizes = new ResizeObserver(() => this.#drawSoon());
    sizes.observe(this.stage);
    signal.addEventListener("abort", () => sizes.disconnect());
    onThemeChange(() => {
      this.#theme = null;
      this.#drawSoon();
    }, signal);
  }
}

