/* The site: start each live figure of the page when it comes into view.

   A figure calls labcoreLive.mount() as soon as it has been read, so that its controls and axes
   take their place before anything is shown. The kernels come once, in a script of their own,
   because a page opened from a file may load scripts and nothing else. */

import { fromBase64 } from "./arrays.js";
import { WorkerEngine } from "./engine.js";
import { LiveFigure } from "./figure.js";
import { decode } from "./state.js";

const HERE = document.currentScript.src;
const AHEAD = "400px"; // how far below the screen a worker is started

let kernels = null;

/** The module and its manifest, fetched once. */
function source() {
  kernels ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = new URL(`kernels.js${new URL(HERE).search}`, HERE).href; // of the same version
    script.onload = async () => {
      const { deflated, manifest } = window.labcoreKernels;
      done({ wasm: await inflate(fromBase64(deflated)), manifest });
    };
    script.onerror = () => fail(new Error("the kernels could not be loaded"));
    document.head.append(script);
  });
  return kernels;
}

/** @param {Uint8Array} bytes @returns {Promise<ArrayBuffer>} */
function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** Make the figure whose description stands before `script` alive. */
function mount(script) {
  const description = script.parentElement.querySelector(".live-figure-spec");
  const frame = script.closest("figure") ?? script.parentElement;
  const still = frame.querySelector("img");
  const spec = JSON.parse(description.textContent);
  spec.alt ??= still?.alt;
  const figure = new LiveFigure(spec, { engine: new WorkerEngine(source), id: frame.id });
  frame.classList.add("live-figure", "lf-mounted");
  frame.liveFigure = figure;
  still.before(figure.root);
  figure.arrange();
  const follow = () => {
    const state = decode(location.hash, frame.id, spec.controls);
    if (!state) return;
    figure.set({ ...figure.initial, ...state });
    frame.scrollIntoView();
  };
  // The page above may still be growing when the figure is read.
  addEventListener("load", follow);
  addEventListener("hashchange", follow);
  whenNear(frame, () => figure.warm());
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    performance.mark(`live:${frame.id}:seen`);
    figure.start();
    new IntersectionObserver(([entry]) => entry.isIntersecting || figure.rest(), { rootMargin: "100%" }).observe(frame);
  }).observe(frame);
}

function whenNear(node, action) {
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    action();
  }, { rootMargin: AHEAD }).observe(node);
}

window.labcoreLive = { mount };
