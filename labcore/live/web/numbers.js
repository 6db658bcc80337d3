/* Numbers as text, as Python's format() writes them for .2f, .3e, .4g, d and .1%. */

/** @param {number} value @param {string} spec */
export function format(value, spec) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (spec === "d") return String(BigInt(Math.floor(value + 0.5)));
  const text = written(value, spec);
  return /^-[0.]+([e%].*)?$/.test(text) ? text.slice(1) : text; // no minus before a zero
}

function written(value, spec) {
  const [, digits, kind] = /^\.(\d+)([efg%])$/.exec(spec);
  const places = Number(digits);
  if (kind === "f") return fixed(value, places);
  if (kind === "%") return `${fixed(value * 100, places)}%`;
  if (kind === "e") return exponential(value, places);
  return general(value, Math.max(places, 1));
}

/* JavaScript rounds ties away from zero, Python to even. A tie is seen in the exact expansion,
   which toFixed and toExponential give when asked for enough digits. */
function toEven(rounded, exact, places) {
  const [head, tail] = exact.split("e");
  const [whole, decimals] = head.split(".");
  const isTie = /^50*$/.test(decimals.slice(places));
  if (!isTie) return rounded;
  const kept = places ? `${whole}.${decimals.slice(0, places)}` : whole;
  const isEven = Number(kept.at(-1)) % 2 === 0;
  return isEven ? (tail === undefined ? kept : `${kept}e${tail}`) : rounded;
}

function fixed(value, places) {
  if (Math.abs(value) >= 1e21) return BigInt(value).toString() + (places ? `.${"0".repeat(places)}` : "");
  return toEven(value.toFixed(places), value.toFixed(Math.min(places + 60, 100)), places);
}

function exponential(value, places) {
  const exact = value.toExponential(Math.min(places + 60, 100));
  const [mantissa, exponent] = toEven(value.toExponential(places), exact, places).split("e");
  const size = Math.abs(Number(exponent));
  return `${mantissa}e${exponent[0] === "-" ? "-" : "+"}${String(size).padStart(2, "0")}`;
}

function general(value, digits) {
  const scientific = exponential(value, digits - 1);
  const power = Number(scientific.split("e")[1]);
  const strip = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (value === 0) return "0";
  if (power < -4 || power >= digits) {
    const [mantissa, exponent] = scientific.split("e");
    return `${strip(mantissa)}e${exponent}`;
  }
  return strip(fixed(value, digits - 1 - power));
}
