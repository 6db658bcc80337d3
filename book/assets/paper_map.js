/* The paper map: a search field and filters above the rows. Without this script all rows are there. */
(() => {
  const papers = [...document.querySelectorAll("details.paper")];
  const counts = document.querySelector(".paper-counts");
  const sections = [...new Set(papers.map((paper) => paper.closest("section")))];
  const words = new Map(papers.map((paper) => [paper, paper.textContent.toLowerCase()]));

  const form = document.createElement("form");
  form.className = "paper-filter";
  form.setAttribute("role", "search");
  const parts = sections.map((section) => {
    const title = section.querySelector("h2").firstChild.textContent;
    return `<option value="${section.id}">${title}</option>`;
  });
  const statuses = [...counts.querySelectorAll(".status")].map((status) => {
    const name = status.textContent;
    return `<label><input type="checkbox" name="status" value="${name}" checked> ${name}</label>`;
  });
  form.innerHTML =
    `<label>Search <input type="search" name="words" placeholder="title, author, idea, claim"></label>` +
    `<label>Part <select name="part"><option value="">all parts</option>${parts.join("")}</select></label>` +
    `<fieldset><legend>Status</legend>${statuses.join("")}</fieldset>` +
    `<p aria-live="polite" class="paper-shown"></p>`;
  document.querySelector(".paper-total").after(form);

  const shown = form.querySelector(".paper-shown");
  function apply() {
    const state = new FormData(form);
    const wanted = state.get("words").toLowerCase().split(/\s+/).filter(Boolean);
    const allowed = new Set(state.getAll("status"));
    let count = 0;
    for (const section of sections) {
      let inside = 0;
      for (const paper of section.querySelectorAll("details.paper")) {
        const fits =
          allowed.has(paper.dataset.status) &&
          (!state.get("part") || state.get("part") === section.id) &&
          wanted.every((word) => words.get(paper).includes(word));
        paper.hidden = !fits;
        inside += fits;
      }
      section.hidden = inside === 0;
      count += inside;
    }
    shown.textContent = `${count} of ${papers.length} papers shown.`;
  }

  /* A link to a row, from a chapter or from elsewhere, opens it. */
  function open() {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.matches("details.paper")) {
      target.open = true;
      target.scrollIntoView();
    }
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", open);
  addEventListener("beforeprint", () => papers.forEach((paper) => (paper.open = true)));
  apply();
  open();
})();
