/* The worker in which kernels run, so that a long one never blocks the page.

   Messages in: {wasm, manifest} once, then {id, jobs}, a job being {kernel, values, wanted}.
   Messages out: {id, results} or {id, error}. */

let wasm;
let manifest;
let instance = null;

onmessage = async ({ data }) => {
  if (data.wasm) {
    ({ wasm, manifest } = data);
    return;
  }
  try {
    instance ??= (await WebAssembly.instantiate(wasm)).instance.exports;
    const results = data.jobs.map(run);
    const buffers = results.flatMap((outputs) => Object.values(outputs).map((o) => o.data.buffer));
    postMessage({ id: data.id, results }, buffers);
  } catch (error) {
    instance = null; // after a trap the memory is in no known state
    postMessage({ id: data.id, error: error.message });
  }
};

const ARRAYS = {
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

/** Call one kernel; gives the outputs that are wanted by name, as doubles. */
function run({ kernel, values, wanted }) {
  const signature = manifest.exports[kernel];
  if (!signature) throw new Error(`there is no kernel called ${kernel}`);
  const sizes = sizesOf(signature, values);
  const taken = [];
  try {
    const outputs = [];
    const call = signature.arguments.map((argument) => {
      if (!argument.shape) {
        const value = values[argument.name];
        return argument.type === "float64" ? value : BigInt(Math.round(value));
      }
      const shape = argument.shape.map((d) => (typeof d === "number" ? d : sizes[d]));
      const length = shape.reduce((a, b) => a * b, 1);
      const Kind = ARRAYS[argument.type];
      const bytes = length * Kind.BYTES_PER_ELEMENT;
      const pointer = instance.malloc(Math.max(bytes, 8));
      if (pointer === 0) throw new Error(`no memory for ${argument.name} of shape ${shape}`);
      taken.push(pointer);
      const view = new Kind(instance.memory.buffer, pointer, length);
      if (argument.output) {
        view.fill(argument.type.endsWith("64") && argument.type !== "float64" ? 0n : 0);
        if (wanted.includes(argument.name)) outputs.push({ name: argument.name, Kind, pointer, length, shape });
      } else if (Kind === BigInt64Array || Kind === BigUint64Array) {
        values[argument.name].data.forEach((value, i) => (view[i] = BigInt(Math.round(value))));
      } else {
        view.set(values[argument.name].data);
      }
      return pointer;
    });
    const start = performance.now();
    const status = instance[kernel](0, 0, ...signature.sizes.map((s) => BigInt(sizes[s])), ...call);
    const milliseconds = performance.now() - start; // of the kernel alone
    if (status) throw new Error(`${kernel} failed with status ${status}`);
    const results = Object.fromEntries(
      outputs.map(({ name, Kind, pointer, length, shape }) => {
        const filled = new Kind(instance.memory.buffer, pointer, length);
        // A copy: the memory belongs to the kernels.
        const data = Kind === Float64Array ? filled.slice() : Float64Array.from(filled, Number);
        return [name, { data, shape }];
      }),
    );
    results.$milliseconds = { data: Float64Array.of(milliseconds), shape: [1] };
    return results;
  } finally {
    taken.forEach((pointer) => instance.free(pointer));
  }
}

/** The dimensions by name: given as values, or read off the shapes of the arrays. */
function sizesOf(signature, values) {
  const sizes = {};
  for (const { name, shape } of signature.arguments) {
    if (!shape) sizes[name] = Math.round(values[name]);
  }
  for (const name of signature.sizes) if (name in values) sizes[name] = Math.round(values[name]);
  for (const { name, shape, output } of signature.arguments) {
    if (!shape || output) continue;
    const got = values[name].shape;
    shape.forEach((dimension, axis) => {
      const length = typeof dimension === "number" ? dimension : (sizes[dimension] ??= got[axis]);
      if (got[axis] !== length || got.length !== shape.length) {
        throw new Error(`${name} must have shape ${shape}, with ${dimension} = ${length}; got ${got}`);
      }
    });
  }
  const missing = signature.arguments.flatMap((a) => a.shape ?? [])
    .filter((d) => typeof d === "string" && !(d in sizes));
  if (missing.length) throw new Error(`no value for the size ${missing[0]}`);
  return sizes;
}
