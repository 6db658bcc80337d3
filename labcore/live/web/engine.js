/* Who computes: a worker with the WebAssembly kernels, or Python by message. */

/* global WORKER_SOURCE -- the text of worker.js, put in by the bundler */

/** Thrown into a computation that was ended before it was through. */
export class Stopped extends Error {}

/** Runs jobs in a worker of its own, one set at a time. */
export class WorkerEngine {
  #source;
  #worker = null;
  #ready = null;
  #pending = null;
  #id = 0;

  /** @param {() => Promise<{wasm: ArrayBuffer | Uint8Array, manifest: object}>} source */
  constructor(source) {
    this.#source = source;
  }

  /** Start the worker ahead of the first job. @returns {Promise<Worker>} */
  warm() {
    this.#ready ??= this.#start();
    return this.#ready;
  }

  async #start() {
    const address = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
    const worker = (this.#worker = new Worker(address));
    URL.revokeObjectURL(address);
    worker.onmessage = ({ data }) => this.#settle(data);
    worker.onerror = (event) => this.#settle({ id: this.#id, error: event.message });
    worker.postMessage(await this.#source());
    return worker;
  }

  /** @returns {Promise<Record<string, {data: Float64Array, shape: number[]}>[]>} */
  run(jobs) {
    const id = ++this.#id;
    const answer = new Promise((done, fail) => (this.#pending = { id, done, fail }));
    this.warm().then(
      (worker) => worker.postMessage({ id, jobs }),
      (error) => {
        this.#ready = null;
        this.#settle({ id, error: error.message });
      },
    );
    return answer;
  }

  /** End the worker, whatever it is doing. The next job starts another. */
  stop() {
    this.#worker?.terminate();
    this.#worker = this.#ready = null;
    this.#pending?.fail(new Stopped("stopped"));
    this.#pending = null;
  }

  #settle({ id, results, error }) {
    if (this.#pending?.id !== id) return;
    const { done, fail } = this.#pending;
    this.#pending = null;
    if (error === undefined) done(results);
    else fail(new Error(error));
  }
}

/** Asks the Python object behind a widget. */
export class PythonEngine {
  #model;
  #pending = null;
  #id = 0;

  constructor(model) {
    this.#model = model;
    model.on("msg:custom", (message, buffers) => {
      if (message.type !== "result" || this.#pending?.id !== message.id) return;
      const { done, fail } = this.#pending;
      this.#pending = null;
      if (message.error) return fail(new Error(message.error));
      let next = 0;
      const array = ({ shape }) => {
        const { buffer, byteOffset, byteLength } = buffers[next++];
        return { data: new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength)), shape };
      };
      done(
        message.runs.map((outputs) =>
          Object.fromEntries(Object.entries(outputs).map(([name, o]) => [name, array(o)])),
        ),
      );
    });
  }

  async warm() {}

  run(_jobs, state) {
    const id = ++this.#id;
    const answer = new Promise((done, fail) => (this.#pending = { id, done, fail }));
    this.#model.send({ type: "run", id, state });
    return answer;
  }

  /** Python goes on computing; its answer will not be waited for. */
  stop() {
    this.#pending?.fail(new Stopped("stopped"));
    this.#pending = null;
  }
}
