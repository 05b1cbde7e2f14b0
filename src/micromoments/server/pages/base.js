// Small helpers that every module shares: elements, words, numbers.

const SVG = "http://www.w3.org/2000/svg";

/** The four types of moments, with the words and the mark of each: shape as well as colour tells them apart. */
export const TYPES = {
  know: { name: "know", says: "wants to know", path: "M0-9A9 9 0 1 1 0 9A9 9 0 1 1 0-9Z", sign: "?" },
  go: { name: "go", says: "wants to go", path: "M0-11C6-11 9-7 9-3C9 3 0 11 0 11C0 11-9 3-9-3C-9-7-6-11 0-11Z", sign: "›" },
  do: { name: "do", says: "wants to do", path: "M-6-9H6Q9-9 9-6V6Q9 9 6 9H-6Q-9 9-9 6V-6Q-9-9-6-9Z", sign: "✓" },
  buy: { name: "buy", says: "wants to buy", path: "M0-12L11 0L0 12L-11 0Z", sign: "+" },
};

/** An element with attributes and children; text is always text, never markup. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** The mark of a type as a small picture. */
export function mark(type, size = 18) {
  const known = TYPES[type];
  if (!known) return svg("svg", { viewBox: "-13 -13 26 26", width: size, height: size, class: "sign none", "aria-hidden": "true" }, svg("circle", { r: 4 }));
  return svg("svg", { viewBox: "-13 -13 26 26", width: size, height: size, class: `sign ${type}`, "aria-hidden": "true" }, svg("path", { d: known.path }));
}

export const percent = (x, digits = 0) => (x === null || x === undefined || Number.isNaN(x) ? "–" : `${(100 * x).toFixed(x === 0 ? 0 : digits)}\u00a0%`);
export const signed = (x) => `${x < 0 ? "−" : "+"}${Math.abs(100 * x).toFixed(0)}\u00a0%`;
export const whole = (x) => Math.round(x).toLocaleString("en-GB");

/** A difference with its sign, at two digits. */
export const more = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(2)}`;

/** A duration in the unit that a person would use. */
export function lasting(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  if (seconds < 0.001) return "under 1 ms";
  if (seconds < 0.9995) return `${(seconds * 1000).toFixed(0)} ms`;
  if (seconds < 90) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(0)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** What was needed, in as few words as say it. */
export function needOf(moment) {
  const need = moment.need || {};
  return need.words || need.query || need.title || need.place || need.category || "";
}

/** Evidence as {text, type, weight}, each text once; the stream sends it as arrays, the doors as objects. */
export function evidenceOf(moment) {
  const all = (moment.evidence || []).map((one) => (Array.isArray(one) ? { text: one[0], type: one[1], weight: one[2] } : one));
  return all.filter((one, n) => all.findIndex((other) => other.text === one.text) === n);
}

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
