/* The names by which marks, numbers and arguments refer to values: `out`, `stats[0]`,
   `a.paths[:, frame, 0]`, `chain[:frame + 1]`. paths.py is its twin; neither evaluates code. */

import { slice } from "./arrays.js";

const NAME = /^(?:([A-Za-z_]\w*)\.)?(\$?[A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?$/;
const TERM = /^(?:\d+|[A-Za-z_]\w*)$/;

/**
 * @typedef {(run: string | undefined, name: string) => number | import("./arrays.js").NdArray} Lookup
 */

/** The value that `path` names. @param {string} path @param {Lookup} lookup */
export function resolve(path, lookup) {
  const match = NAME.exec(path.trim());
  if (!match) throw new Error(`cannot read the path ${JSON.stringify(path)}`);
  const [, run, name, inside] = match;
  const value = lookup(run, name);
  if (inside === undefined) return value;
  const scalar = (word) => Math.round(Number(lookup(undefined, word)));
  const view = slice(value, inside.split(",").map((item) => parseItem(item, scalar)));
  return view.shape.length === 0 ? view.data[view.offset] : view;
}

function parseItem(text, scalar) {
  const ends = text.split(":");
  if (ends.length > 2) throw new Error(`slices have a start and a stop, got ${JSON.stringify(text)}`);
  const numbers = ends.map((end) => (end.trim() === "" ? null : parseSum(end, scalar)));
  if (numbers.length === 2) return numbers;
  if (numbers[0] === null) throw new Error("an index is missing");
  return numbers[0];
}

/** A sum such as `frame + 1` or `-1`. */
function parseSum(text, scalar) {
  const parts = text.replace(/\s+/g, "").match(/[+-]?[^+-]+/g) ?? [];
  if (parts.join("") !== text.replace(/\s+/g, "")) throw new Error(`cannot read the index ${text}`);
  return parts.reduce((sum, part) => {
    const sign = part[0] === "-" ? -1 : 1;
    const term = part.replace(/^[+-]/, "");
    if (!TERM.test(term)) throw new Error(`cannot read the index ${text}`);
    return sum + sign * (/^\d/.test(term) ? Number(term) : scalar(term));
  }, 0);
}
