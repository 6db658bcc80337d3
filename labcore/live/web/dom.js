/* Making elements. */

const SVG = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...[children].flat());
  return node;
}

/** An HTML element with attributes and children. */
export const element = (tag, attributes = {}, children = []) =>
  filled(document.createElement(tag), attributes, children);

/** The same of SVG. */
export const svgElement = (tag, attributes = {}, children = []) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

/** Text in which *x* is italic, as nodes. */
export function italic(text, svg = false) {
  return text.split(/\*([^*]+)\*/).map((part, i) => {
    if (i % 2 === 0) return part;
    return svg ? svgElement("tspan", { class: "lf-italic" }, part) : element("i", {}, part);
  });
}

/** The same text without the stars, for labels that are read out. */
export const plain = (text) => text.replace(/\*([^*]+)\*/g, "$1");

/* JupyterLab takes the arrow keys for itself unless the focused element says no. */
export const KEYS = { "data-lm-suppress-shortcuts": "true" };
