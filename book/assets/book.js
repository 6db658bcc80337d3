/* What a page needs beside the theme: names and reach for readers who use a keyboard or listen,
   search results that quote the text, and a light page on paper. */
(() => {
  // The theme leaves the side bar outside every landmark, and its unfolding arrows without names.
  function nameThings() {
    const bar = document.querySelector("#pst-primary-sidebar");
    bar?.setAttribute("role", "complementary");
    bar?.setAttribute("aria-label", "Book");
    for (const arrow of document.querySelectorAll(".bd-links summary:not([aria-label])")) {
      const link = arrow.closest("li").querySelector("a");
      arrow.setAttribute("aria-label", `Chapters of ${link.textContent.trim()}`);
    }
    // Sphinx gives the entries of a bibliography a role that a list may not hold.
    for (const entry of document.querySelectorAll(".citation-list > .citation")) {
      entry.setAttribute("role", "listitem");
    }
    // Here the label would hide the visible text, "Show code cell source", which says more.
    for (const fold of document.querySelectorAll("details.hide > summary[aria-label]")) {
      fold.removeAttribute("aria-label");
    }
  }

  // What scrolls sideways must be reachable by keyboard, as long as it does scroll.
  const WIDE =
    'mjx-container[display="true"], .bd-article :is(pre, .output, .pst-scrollable-table-container)';

  function reach(element) {
    const scrolls = element.scrollWidth > element.clientWidth + 1;
    if (scrolls) element.setAttribute("tabindex", "0");
    else if (element.getAttribute("tabindex") === "0") element.removeAttribute("tabindex");
  }

  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));

  // The excerpts of search results are cut from the whole page; leave only its article.
  function quoteArticlesOnly() {
    if (typeof Search === "undefined") return;
    const plain = Search.htmlToText;
    const FURNITURE = ".bd-header-article, #jb-print-docs-body, .prev-next-footer, .bd-toc, footer";
    Search.htmlToText = (html, anchor) => {
      const page = new DOMParser().parseFromString(html, "text/html");
      page.querySelectorAll(FURNITURE).forEach((node) => node.remove());
      return plain(page.documentElement.outerHTML, anchor);
    };
  }

  // A page that is dark on the screen is printed light.
  const root = document.documentElement;
  let onScreen;
  addEventListener("beforeprint", () => {
    onScreen = root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = onScreen;
  });

  quoteArticlesOnly();
  addEventListener("DOMContentLoaded", () => {
    nameThings();
    document.querySelectorAll(WIDE).forEach((wide) => sizes.observe(wide));
  });
})();
