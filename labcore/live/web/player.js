/* What makes a figure move: it drives one Play control, a step at a time or in real time. */

export class Player {
  #figure;
  #spec = null;
  #frame = 0;

  constructor(figure) {
    this.#figure = figure;
  }

  runs(spec) {
    return this.#spec === spec;
  }

  toggle(spec) {
    if (this.runs(spec)) return this.pause();
    this.pause();
    this.#spec = spec;
    if (this.#figure.state[spec.name] >= spec.high) this.#figure.set({ [spec.name]: spec.low });
    let before = performance.now();
    let exact = this.#figure.state[spec.name];
    const tick = (now) => {
      const shown = this.#figure.state[spec.name];
      if (Math.abs(shown - exact) > spec.step) exact = shown; // somebody moved the slider meanwhile
      // A tab that was hidden goes on where it was.
      exact += ((spec.high - spec.low) * Math.min(now - before, 100)) / (1000 * spec.seconds);
      before = now;
      if (exact >= spec.high) {
        if (!spec.loop) {
          this.#figure.set({ [spec.name]: spec.high });
          return this.pause();
        }
        exact = spec.low;
      }
      const next = onGrid(spec, exact);
      if (next !== shown) this.#figure.set({ [spec.name]: next }, { playing: true });
      this.#frame = requestAnimationFrame(tick);
    };
    this.#frame = requestAnimationFrame(tick);
    this.#figure.refresh();
  }

  step(spec) {
    this.pause();
    const value = this.#figure.state[spec.name];
    const next = onGrid(spec, value + spec.step);
    this.#figure.set({ [spec.name]: next <= spec.high + 1e-9 ? next : spec.low });
  }

  pause() {
    if (!this.#spec) return;
    cancelAnimationFrame(this.#frame);
    this.#spec = null;
    this.#figure.refresh();
  }
}

/** The nearest value that the slider can show. */
function onGrid({ low, step }, value) {
  return Number((low + Math.round((value - low) / step) * step).toPrecision(12));
}
