/* Colours: those of figure.css, read where the figure stands, light or dark. */

import { interpolateRgb, piecewise } from "d3-interpolate";
import { interpolateCividis } from "d3-scale-chromatic";

export const SERIES = 7;

/** The colours that a figure is drawn in now. @param {Element} element */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const get = (name) => style.getPropertyValue(name).trim();
  return {
    ink: get("--lf-ink"),
    muted: get("--lf-muted"),
    white: "#fff",
    font: style.fontFamily,
    series: Array.from({ length: SERIES }, (_, i) => get(`--lf-c${i}`)),
    maps: {
      cividis: interpolateCividis,
      diverging: piecewise(interpolateRgb, [get("--lf-c0"), get("--lf-middle"), get("--lf-c1")]),
    },
  };
}

/** Call `redraw` when the page, or JupyterLab, changes between light and dark. */
export function onThemeChange(redraw, signal) {
  const observer = new MutationObserver(redraw);
  const watch = (node, attribute) => observer.observe(node, { attributeFilter: [attribute] });
  watch(document.documentElement, "data-theme");
  watch(document.body, "data-jp-theme-light");
  signal.addEventListener("abort", () => observer.disconnect());
}

/** 256 colours of a map as RGBA bytes, for pictures. */
export function lookupTable(map) {
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const [r, g, b] = map(i / 255).match(/[\d.]+/g).map(Number);
    table.set([r, g, b, 255], 4 * i);
  }
  return table;
}
