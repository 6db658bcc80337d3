/* JupyterLab: the same figure as a widget whose controls are the traits of a Python object. */

import { PythonEngine, WorkerEngine } from "./engine.js";
import { LiveFigure } from "./figure.js";

/** The shared module: a widget of its own holds the bytes, so that they are sent once. */
async function kernels(model) {
  const holder = await model.widget_manager.get_model(model.get("kernels").replace("IPY_MODEL_", ""));
  const bytes = holder.get("wasm");
  const wasm = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
  return { wasm, manifest: holder.get("manifest") };
}

function render({ model, el }) {
  if (model.get("kernels") === undefined) return; // the holder of the module has no view
  const spec = model.get("spec");
  const names = spec.controls.map((control) => control.name);
  const engine = model.get("kernels") ? new WorkerEngine(() => kernels(model)) : new PythonEngine(model);
  const figure = new LiveFigure(spec, {
    engine,
    id: "",
    onChange(state) {
      for (const name of names) model.set(name, state[name]);
      model.save_changes();
    },
  });
  el.append(figure.root);
  el.liveFigure = figure;
  const follow = () => figure.set(Object.fromEntries(names.map((name) => [name, model.get(name)])), { quiet: true });
  follow();
  const events = names.map((name) => `change:${name}`);
  events.forEach((event) => model.on(event, follow));
  figure.start();
  return () => {
    events.forEach((event) => model.off(event, follow));
    figure.destroy();
  };
}

export default { render };
