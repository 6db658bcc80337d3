/* Checks an answer on the page, offline: what labcore.exercises.check does in the notebook, with the
   same tolerances and hints. The counterpart of labcore/exercises/sealed.py. */
(() => {
  const FUNCTIONS = Object.fromEntries(
    ["abs", "exp", "log", "sqrt", "sin", "cos", "tan", "tanh"].map((name) => [name, Math[name]]),
  );
  const CONSTANTS = { pi: Math.PI, e: Math.E };

  /** Numbers of a list of formulas such as "2*sqrt(pi), x^2", given the values of its names. */
  function evaluate(text, names) {
    const tokens = text.match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|[a-z_]\w*|\*\*|\S/gi) ?? [];
    let at = 0;
    const fail = (what) => {
      throw new Error(what);
    };
    const take = (token) => tokens[at] === token && ++at;
    const expect = (token) =>
      take(token) || fail(tokens[at] ? `"${tokens[at]}" is not understood here` : `a "${token}" is missing`);

    function sum() {
      let value = product();
      for (;;) {
        if (take("+")) value += product();
        else if (take("-")) value -= product();
        else return value;
      }
    }
    function product() {
      let value = signed();
      for (;;) {
        if (take("*")) value *= signed();
        else if (take("/")) value /= signed();
        else return value;
      }
    }
    function signed() {
      if (take("-")) return -signed();
      return take("+") ? signed() : power();
    }
    function power() {
      const base = atom();
      return take("^") || take("**") ? base ** signed() : base;
    }
    function atom() {
      if (take("(")) {
        const value = sum();
        expect(")");
        return value;
      }
      const token = tokens[at++];
      if (token === undefined) fail("something is missing at the end");
      if (/^[\d.]/.test(token)) return Number(token);
      if (Object.hasOwn(names, token)) return names[token];
      if (Object.hasOwn(FUNCTIONS, token)) {
        expect("(");
        const value = sum();
        expect(")");
        return FUNCTIONS[token](value);
      }
      if (Object.hasOwn(CONSTANTS, token)) return CONSTANTS[token];
      return fail(`"${token}" is not known`);
    }

    const values = [sum()];
    while (take(",")) values.push(sum());
    if (at < tokens.length) fail(`"${tokens[at]}" is not understood here`);
    return values;
  }

  function hash(bytes, seed) {
    let h = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b9)) >>> 0;
    for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
    return (h ^ (h >>> 16)) >>> 0;
  }

  function decipher(text, secret) {
    const content = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    for (let i = 0; i < content.length; i += 4) {
      const word = hash(secret, 3 + i / 4);
      for (let k = 0; k < 4 && i + k < content.length; k++) content[i + k] ^= (word >>> (8 * k)) & 255;
    }
    return JSON.parse(new TextDecoder().decode(content));
  }

  /** What is said to the answer that `bin` names. */
  function opened(exercise, bin) {
    const secret = new TextEncoder().encode(`${exercise.key}:${bin}`);
    const hex = (seed) => hash(secret, seed).toString(16).padStart(8, "0");
    return (exercise.entries[hex(1) + hex(2)] ?? []).map((entry) => decipher(entry, secret));
  }

  /** All that is said to answers near `number`. */
  function candidates(exercise, number) {
    const sign = number < 0 ? "-" : "+";
    const middle = Math.floor(Math.log(Math.abs(number)) / exercise.rtol);
    const bins = number === 0 ? ["zero"] : [-2, -1, 0, 1, 2].map((shift) => `${sign}${middle + shift}`);
    const near = bins.flatMap((bin) => opened(exercise, bin));
    return near.sort((a, b) => a[0] - b[0]);
  }

  const agree = (got, known, rtol) =>
    got.every((row, i) => {
      const largest = Math.max(...known[i].map(Math.abs), 1e-300);
      return row.every((value, j) => Math.abs(value - known[i][j]) <= rtol * largest);
    });

  function verdict(exercise, text) {
    if (!text.trim()) return "no answer yet.";
    let got;
    try {
      got = exercise.inputs.map((row) =>
        evaluate(text, Object.fromEntries(exercise.variables.map((name, i) => [name, row[i]]))),
      );
    } catch (error) {
      return `not yet: ${error.message}.`;
    }
    if (got[0].length !== exercise.count) {
      const numbers = (n) => (n === 1 ? "one number" : `${n} numbers`);
      const wanted = exercise.count === 1 ? "one is asked for" : `${exercise.count} are asked for, with commas between`;
      return `not yet. It is ${numbers(got[0].length)}; ${wanted}.`;
    }
    if (!got.flat().every(Number.isFinite)) return "not yet. It is not finite.";
    for (const [, known, said] of candidates(exercise, got[0][exercise.probe])) {
      if (agree(got, known, exercise.rtol)) return said;
    }
    return "not yet. Compare it with a case that you can work out by hand.";
  }

  function verdictOnChoice(exercise, form) {
    const chosen = [...form.querySelectorAll("input:checked")].map((input) => input.value).join("");
    return chosen ? opened(exercise, chosen)[0][2] : "no answer yet.";
  }

  for (const form of document.querySelectorAll("form.exercise-check")) {
    const exercise = JSON.parse(form.querySelector("script").textContent);
    const output = form.querySelector("output");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const said = exercise.letters
        ? verdictOnChoice(exercise, form)
        : verdict(exercise, form.querySelector("input").value);
      output.textContent = said[0].toUpperCase() + said.slice(1);
      form.dataset.correct = said === "correct.";
    });
  }
})();
