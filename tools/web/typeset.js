/* Typeset formulas with MathJax, for tools/mathematics.py: a line of JSON in, a line of JSON out.

   First {config}, MathJax's configuration. Then {tex, display}, answered by {html} or {error}; at
   the end {finish: true}, answered by {css}: the style of all that was typeset. */

const readline = require("node:readline");

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value);
  const { config } = await next();
  const MathJax = await require("mathjax").init({
    ...config,
    loader: { versionWarnings: false, load: ["adaptors/liteDOM", "input/tex", "output/chtml", "a11y/assistive-mml"] },
    tex: {
      ...config.tex,
      formatError(_, error) {
        throw error;
      },
    },
    chtml: { fontURL: "." },
    startup: { typeset: false },
  });
  const adaptor = MathJax.startup.adaptor;
  const answer = (message) => process.stdout.write(JSON.stringify(message) + "\n");
  for (;;) {
    const { tex, display, finish } = await next();
    if (finish) {
      answer({ css: adaptor.textContent(MathJax.chtmlStylesheet()) });
      process.exit(0);
    }
    try {
      answer({ html: adaptor.outerHTML(await MathJax.tex2chtmlPromise(tex, { display })) });
    } catch (error) {
      answer({ error: error.message });
    }
  }
}

main();
