/* The map of the chapters: arrows from each to what builds on it, and the way to the one clicked. */
(() => {
  const map = document.querySelector(".chapter-map");
  const ways = JSON.parse(map.querySelector("script").textContent);
  const panel = map.querySelector(".chapter-way");
  const cards = new Map([...map.querySelectorAll("a")].map((card) => [card.dataset.name, card]));
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("aria-hidden", "true");
  map.querySelector("ol").append(svg);
  let goal = null;

  function draw() {
    const box = map.querySelector("ol").getBoundingClientRect();
    const needed = new Set(ways[goal]);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    for (const [name, card] of cards) {
      const to = card.getBoundingClientRect();
      for (const before of card.dataset.before.split(" ").filter(Boolean)) {
        const from = cards.get(before).getBoundingClientRect();
        const [x0, y0] = [from.x + from.width / 2 - box.x, from.bottom - box.y];
        const [x1, y1] = [to.x + to.width / 2 - box.x, to.y - box.y];
        const bend = Math.min(40, (y1 - y0) / 2);
        const path = document.createElementNS(space, "path");
        path.setAttribute("d", `M${x0},${y0} C${x0},${y0 + bend} ${x1},${y1 - bend} ${x1},${y1}`);
        path.classList.toggle("needed", needed.has(name) && needed.has(before));
        svg.append(path);
      }
    }
  }

  function show(name) {
    goal = name;
    const way = ways[name];
    for (const [other, card] of cards) {
      card.classList.toggle("needed", way.includes(other));
      card.setAttribute("aria-pressed", String(other === name));
    }
    const minutes = way.reduce((sum, step) => sum + Number(cards.get(step).dataset.minutes), 0);
    const title = (card) => card.querySelector("strong").textContent;
    const heading = document.createElement("p");
    heading.textContent = `The way to “${title(cards.get(name))}”: ${Math.floor(minutes / 60)} h ${minutes % 60} min.`;
    const list = document.createElement("ol");
    for (const step of way) {
      const link = document.createElement("a");
      link.href = cards.get(step).href;
      link.textContent = title(cards.get(step));
      const item = document.createElement("li");
      item.append(link, ` (${cards.get(step).dataset.minutes} minutes)`);
      list.append(item);
    }
    panel.replaceChildren(heading, list);
    draw();
  }

  for (const [name, card] of cards) {
    card.setAttribute("role", "button");
    card.setAttribute("aria-pressed", "false");
    card.addEventListener("click", (event) => {
      event.preventDefault();
      show(name);
    });
    card.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        event.preventDefault();
        show(name);
      }
    });
  }
  panel.textContent = "Choose a chapter to see the shortest way to it.";
  new ResizeObserver(draw).observe(map);
  document.fonts.ready.then(draw);
})();
