/* A figure's state in the address: #fig-name:lengthscale=0.3,seed=7,data=0.1;0.2;0.5;1 */

/** @param {Record<string, any>} state @returns the part of the fragment after the name */
export function encode(state) {
  return Object.entries(state)
    .map(([name, value]) => `${name}=${encodeURIComponent(text(value)).replaceAll("%3B", ";")}`)
    .join(",");
}

const text = (value) => (Array.isArray(value) ? value.flat().join(";") : String(value));

/** The state that a fragment asks of the figure `id`, or null. What is not allowed is left out. */
export function decode(fragment, id, controls) {
  const start = `#${id}:`;
  if (!fragment.startsWith(start)) return null;
  const state = {};
  for (const part of fragment.slice(start.length).split(",")) {
    const [name, raw] = part.split("=");
    const control = controls.find((c) => c.name === name);
    if (!control || raw === undefined) continue;
    let value;
    try {
      value = read(control, decodeURIComponent(raw));
    } catch {
      continue; // a broken escape
    }
    if (value !== undefined) state[name] = value;
  }
  return state;
}

const within = (value, low, high) => Number.isFinite(value) && value >= low && value <= high;

function read(control, raw) {
  if (control.type === "toggle") return { true: true, false: false }[raw];
  if (control.type === "choice") return control.options.find(([, v]) => String(v) === raw)?.[1];
  if (control.type === "points") {
    const numbers = raw === "" ? [] : raw.split(";").map(Number);
    const points = [];
    for (let i = 0; i + 1 < numbers.length; i += 2) points.push([numbers[i], numbers[i + 1]]);
    const fits = ([x, y]) => within(x, ...control.x) && within(y, ...control.y);
    const isCount = within(points.length, control.fewest, control.most);
    return numbers.length % 2 === 0 && isCount && points.every(fits) ? points : undefined;
  }
  const [low, high] = control.type === "seed" ? [0, 2 ** 32 - 1] : [control.low, control.high];
  const value = raw === "" ? NaN : Number(raw);
  const isWhole = control.type !== "seed" || Number.isInteger(value);
  return isWhole && within(value, low, high) ? value : undefined;
}
