/* The slides of a lecture: reveal.js without its scaling, because what is drawn and dragged in a live
   figure needs true sizes. Type grows with the screen instead (slides.css). */

import Reveal from "reveal.js";
import Notes from "reveal.js/plugin/notes";
import "reveal.js/reveal.css";
import "./slides.css";

const root = document.documentElement;
const NARROW = 800; // px; below, a figure's controls stand under its panels, as in slides.css
// In a figure's own measure, px: the column of controls with the gap before it; what stands above and
// below the panels (the slide's title, a panel's title and legend, numbers, the caption); a row of controls.
const SIDE = 330;
const AROUND = 260;
const ROW = 40;
const GAP = 16;

// --- Light and dark: as the reader chose on the book's pages, else as the system says ---------------

const system = matchMedia("(prefers-color-scheme: dark)");
const stored = () => {
  const mode = localStorage.getItem("mode");
  return mode === "light" || mode === "dark" ? mode : null;
};
const setTheme = (theme) => (root.dataset.theme = theme ?? (system.matches ? "dark" : "light"));
setTheme(stored());
system.addEventListener("change", () => setTheme(stored()));

function switchTheme() {
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("mode", theme);
  localStorage.setItem("theme", theme);
  setTheme(theme);
}

let onScreen;
addEventListener("beforeprint", () => {
  onScreen = root.dataset.theme;
  root.dataset.theme = "light";
});
addEventListener("afterprint", () => setTheme(onScreen));

// --- Live figures: panels as tall as the screen has room for -----------------------------------------

const rem = () => parseFloat(getComputedStyle(root).fontSize);

/** How much larger a figure is drawn than on a page of the book. */
const zoom = () => (innerWidth < NARROW ? 1 : Math.max(1, 0.048 * rem()));

/** Choose where the controls stand, and make the panels as tall as there is room for. */
function fit(spec, frame) {
  const count = spec.panels.length;
  const isBelow = count === 3 && spec.controls.length <= 5 && !spec.panels.some((panel) => panel.equal);
  const stage = (innerWidth - 4.4 * rem()) / zoom() - (isBelow ? 0 : SIDE);
  const least = count % 3 === 0 ? 210 : 300; // as labcore/live/web/figure.js sets them side by side
  const columns = Math.max(1, Math.min(count, Math.floor((stage + GAP) / (least + GAP))));
  const width = (stage - (columns - 1) * GAP) / columns;
  const rows = Math.ceil(count / columns);
  const lead = frame.closest("section").querySelector("p:not(figure p)") ? 2 * 1.5 * rem() : 0;
  const under = isBelow ? ROW * (Math.ceil((spec.controls.length + 1) / 3) + 2) : 0;
  let room = ((innerHeight - lead) / zoom() - AROUND - under) / rows - (rows - 1) * ROW;
  const isFull = rows > 1 || room < 190; // no room for a caption
  if (isFull && rows === 1) room += ROW;
  for (const panel of spec.panels) panel.height = Math.round(Math.max(150, Math.min(room, 1.15 * width)));
  frame.classList.add(isBelow ? "below" : "beside");
  frame.classList.toggle("full", isFull);
}

/** Panels and numbers in one box, and all that is moved by hand in another. */
function divide(root) {
  const box = (name, parts) => {
    const div = document.createElement("div");
    div.className = name;
    div.append(...[...root.children].filter((child) => parts.some((part) => child.classList.contains(part))));
    return div;
  };
  const main = box("slide-main", ["lf-stage", "lf-numbers"]);
  root.append(main, box("slide-side", ["lf-presets", "lf-controls", "lf-toolbar"]));
}

if (window.labcoreLive && innerWidth >= NARROW) {
  root.style.setProperty("--slide-zoom", zoom());
  const { mount } = window.labcoreLive;
  window.labcoreLive.mount = (script) => {
    const description = script.parentElement.querySelector(".live-figure-spec");
    const spec = JSON.parse(description.textContent);
    const frame = script.closest("figure");
    fit(spec, frame);
    description.textContent = JSON.stringify(spec);
    mount(script);
    divide(frame.querySelector(".lf"));
  };
}

// --- Keys: a figure's own go to the figure, a clicker's always turn the slide ------------------------

const TURNS = { PageDown: 1, PageUp: -1 };

addEventListener(
  "keydown",
  (event) => {
    const inFigure = document.activeElement?.closest(".lf");
    if (event.key in TURNS) {
      event.preventDefault();
      event.stopPropagation();
      TURNS[event.key] > 0 ? Reveal.next() : Reveal.prev();
    } else if (event.key === "Escape" && inFigure) {
      event.stopPropagation();
      document.activeElement.blur();
    }
  },
  true,
);

/** Whether reveal.js may have a key that was pressed. */
function isForSlides(event) {
  const active = document.activeElement;
  if (!active?.closest(".lf")) return true;
  if (active.tagName === "BUTTON") return ![" ", "Enter"].includes(event.key) && event.key.startsWith("Arrow");
  return false;
}

// --- The deck ---------------------------------------------------------------------------------------

addEventListener("DOMContentLoaded", async () => {
  const link = location.hash.match(/^#(fig-[\w-]+):/)?.[1]; // a figure's "Copy link"
  await Reveal.initialize({
    plugins: [Notes],
    disableLayout: true,
    center: false,
    embedded: true, // so that a finger scrolls a slide that is taller than the screen
    hash: true,
    history: false,
    overview: false,
    scrollActivationWidth: null,
    slideNumber: "c/t",
    transition: "none",
    backgroundTransition: "none",
    width: "100%",
    height: "100%",
    keyboardCondition: isForSlides,
    keyboard: { 68: switchTheme }, // d
  });
  document.querySelector(".slide-theme").addEventListener("click", switchTheme);
  const slide = link && document.getElementById(link)?.closest("section");
  if (slide) Reveal.slide([...slide.parentElement.children].indexOf(slide));
});
