/* Fills in the report of an error when its link is about to be followed: what is selected, the
   section, and links to the figures that the reader has changed. Nothing is sent by this: the form
   opens with it, for the reader to see and to change. */
(() => {
  const LONGEST = 300; // characters of a selection that are quoted

  /** The section of what is selected; else, for a link that is always in reach, the one on screen. */
  function section(article, link, selection) {
    const headings = [...article.querySelectorAll("section > :is(h1, h2, h3)")];
    const after = Node.DOCUMENT_POSITION_FOLLOWING;
    let above = [];
    if (selection.toString().trim() && article.contains(selection.anchorNode)) {
      above = headings.filter((h) => h.compareDocumentPosition(selection.anchorNode) & after);
    } else if (!article.contains(link)) {
      above = headings.filter((h) => h.getBoundingClientRect().top < innerHeight / 2);
    }
    return above.at(-1) ?? headings[0];
  }

  const text = (heading) => heading.textContent.replace(/#\s*$/, "").replace(/\s+/g, " ").trim();

  /** @returns {{title: string, body: string}} */
  function report(article, link) {
    const selection = getSelection();
    const heading = section(article, link, selection);
    const title = article.querySelector("h1");
    const chosen = selection.toString().trim();
    const quote = chosen.length > LONGEST ? `${chosen.slice(0, LONGEST)} ...` : chosen;
    const page = location.href.split("#")[0];
    const figures = [...document.querySelectorAll("figure.live-figure")]
      .map((frame) => frame.liveFigure)
      .filter((figure) => figure.isChanged);
    const lines = [
      ...(quote ? [quote.replace(/^/gm, "> "), ""] : []),
      "What is wrong:",
      "",
      "",
      "---",
      `Page: ${page}${heading === title ? "" : `#${heading.parentElement.id}`}`,
      ...figures.map((figure) => `Figure as it stands: ${figure.link}`),
      `Window: ${innerWidth} x ${innerHeight}, ${document.documentElement.dataset.theme}`,
      `Browser: ${navigator.userAgent}`,
    ];
    return {
      title: heading === title ? `${text(title)}: ` : `${text(title)}, ${text(heading)}: `,
      body: lines.join("\n"),
    };
  }

  addEventListener("DOMContentLoaded", () => {
    const article = document.querySelector("article");
    for (const link of document.querySelectorAll('a[href*="/issues/new?"]')) {
      const fill = () => {
        const address = new URL(link.href);
        address.search = new URLSearchParams(report(article, link));
        link.href = address.href;
      };
      // Before a click, so that "open in a new tab" and "copy the address" have it too.
      for (const event of ["pointerdown", "focus"]) link.addEventListener(event, fill);
    }
  });
})();
