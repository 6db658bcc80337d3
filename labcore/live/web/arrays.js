/* Arrays of numbers with a shape: views that are sliced without copying, as NumPy's are. */

/**
 * @typedef {object} NdArray
 * @property {ArrayLike<number>} data
 * @property {number[]} shape
 * @property {number[]} strides
 * @property {number} offset
 */

/** @returns {NdArray} `data`, in C order, as an array of `shape` */
export function ndarray(data, shape = [data.length]) {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return { data, shape, strides, offset: 0 };
}

/** A view: each item is an index, or [start, stop] with null for an open end. Python's rules. */
export function slice(array, items) {
  if (items.length > array.shape.length) {
    throw new Error(`${items.length} indices for an array of ${array.shape.length} dimensions`);
  }
  const view = { data: array.data, shape: [], strides: [], offset: array.offset };
  array.shape.forEach((length, axis) => {
    const item = items[axis] ?? [null, null];
    if (typeof item === "number") {
      const index = item < 0 ? item + length : item;
      if (!(index >= 0 && index < length)) throw new Error(`index ${item} outside 0..${length - 1}`);
      view.offset += index * array.strides[axis];
    } else {
      const clip = (value, open) =>
        value === null ? open : Math.min(Math.max(value < 0 ? value + length : value, 0), length);
      const start = clip(item[0], 0);
      view.offset += start * array.strides[axis];
      view.shape.push(Math.max(clip(item[1], length) - start, 0));
      view.strides.push(array.strides[axis]);
    }
  });
  return view;
}

/** A function that reads a one-dimensional array, or row after row of a two-dimensional one. */
export function reader({ data, offset, strides: [first, second = 0] }) {
  return (i, j = 0) => data[offset + i * first + j * second];
}

/** The numbers in C order: for the kernels, which take contiguous buffers. */
export function flat(array) {
  const size = array.shape.reduce((a, b) => a * b, 1);
  const out = new Float64Array(size);
  const walk = (axis, from, to) => {
    if (axis === array.shape.length) out[to] = array.data[from];
    else {
      const inner = array.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      for (let i = 0; i < array.shape[axis]; i++) {
        walk(axis + 1, from + i * array.strides[axis], to + i * inner);
      }
    }
  };
  walk(0, array.offset, 0);
  return out;
}

/** Least and greatest finite number of an array, or null when there is none. */
export function extent(array) {
  const values = array.shape.length === 1 && array.strides[0] === 1
    ? array.data.subarray?.(array.offset, array.offset + array.shape[0]) ?? flat(array)
    : flat(array);
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** numpy.linspace, to the bit. */
export function linspace(low, high, n) {
  const step = (high - low) / (n - 1);
  const out = Float64Array.from({ length: n }, (_, i) => i * step + low);
  if (n > 1) out[n - 1] = high;
  return out;
}

/** Heights of a histogram's bars. The last bin takes its upper end, as NumPy's does. */
export function binned(values, bins, [low, high], density) {
  const heights = new Float64Array(bins);
  const numbers = flat(values);
  let inside = 0;
  for (const value of numbers) {
    if (!(value >= low && value <= high)) continue;
    heights[Math.min(Math.floor(((value - low) / (high - low)) * bins), bins - 1)] += 1;
    inside += 1;
  }
  const unit = density && inside ? bins / (inside * (high - low)) : 1;
  return heights.map((height) => height * unit);
}

/** A constant as figure.py writes it: a number, a grid, a list or packed doubles. */
export function decode(constant) {
  if (typeof constant === "number") return constant;
  if (constant.linspace) return ndarray(linspace(...constant.linspace));
  if (constant.values) return ndarray(Float64Array.from(constant.values), constant.shape);
  return ndarray(new Float64Array(fromBase64(constant.base64).buffer), constant.shape);
}

/** @returns {Uint8Array} */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
