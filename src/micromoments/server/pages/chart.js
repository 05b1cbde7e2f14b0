// Charts as plain SVG: lines over time, bars, intervals. Each has its data as a table beside it, as CSV and as PNG.

import { el, svg, whole } from "./base.js";
import { csvButton, save } from "./frame.js";

/** How wide a chart is drawn, in pixels: on a phone as wide as its panel, so that its words stay as large as they are. */
let W = 640;
const fit = () => (W = matchMedia("(max-width: 640px)").matches ? 330 : 640);
const H = 220;
const PAD = { left: 48, right: 14, top: 14, bottom: 28 };
const KEEP = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "font-size", "font-family", "font-weight", "opacity", "fill-opacity", "text-anchor", "paint-order"];
export const MOST_POINTS = 400;

/** Steps of an axis that people find round. */
export function ticks(low, high, count = 4) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough) || rough;
  const out = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-9; t += step) out.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return out;
}

/** Keeps the first, last, least and greatest of each stretch, so that no peak is lost where there are too many points. */
export function thinned(points, most = MOST_POINTS) {
  if (points.length <= most) return points;
  const size = Math.ceil(points.length / (most / 4));
  const kept = new Set();
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size);
    const by = [...part].sort((a, b) => (a.y ?? 0) - (b.y ?? 0));
    for (const one of [part[0], by[0], by[by.length - 1], part[part.length - 1]]) kept.add(one);
  }
  return points.filter((one) => kept.has(one));
}

/** Lines over time. `series` are {name, cls, points: [{x: ms, y, low?, high?}]}; the line breaks at `breaks` (ms). `across` says an x that is no instant. */
export function lines(title, series, { format, breaks = [], zero = true, onPick, across } = {}) {
  fit();
  const all = series.flatMap((s) => s.points).filter((p) => p.y !== null);
  if (!all.length) return null;
  const xs = all.map((p) => p.x);
  const ys = all.flatMap((p) => [p.y, p.low ?? p.y, p.high ?? p.y]);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  let [y0, y1] = [Math.min(...ys, zero ? 0 : Infinity), Math.max(...ys, zero ? 0 : -Infinity)];
  if (y0 === y1) y1 = y0 + (Math.abs(y0) || 1);
  const x = (v) => PAD.left + (x1 === x0 ? 0.5 : (v - x0) / (x1 - x0)) * (W - PAD.left - PAD.right);
  const y = (v) => H - PAD.bottom - ((v - y0) / (y1 - y0)) * (H - PAD.top - PAD.bottom);
  const node = svg("svg", { class: "chart", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": saying(title, series, format) });
  let said = "";
  for (const t of ticks(y0, y1)) {
    if (format(t) === said) continue;
    said = format(t);
    node.append(svg("line", { class: t === 0 ? "zero" : "grid", x1: PAD.left, x2: W - PAD.right, y1: y(t), y2: y(t) }), svg("text", { class: "axis-text", x: PAD.left - 6, y: y(t) + 4, "text-anchor": "end" }, format(t)));
  }
  const days = x1 - x0 > 36 * 3600_000;
  const those = [...new Set(xs)].sort((a, b) => a - b);
  const named = x1 === x0 ? [x0] : those.length < 4 ? those : [0, 1, 2, 3].map((n) => those[Math.round(((those.length - 1) * n) / 3)]);
  const dated = new Intl.DateTimeFormat("en-GB", days ? { day: "numeric", month: "short", timeZone: "UTC" } : { hour: "2-digit", minute: "2-digit" });
  named.forEach((t, n) => node.append(svg("text", { class: "axis-text", x: x(t), y: H - 8, "text-anchor": n === 0 && named.length > 1 ? "start" : n === named.length - 1 && n ? "end" : "middle" }, across ? across(t) : dated.format(t))));
  for (const at of breaks.filter((b) => b > x0 && b <= x1)) {
    node.append(svg("line", { class: "break", x1: x(at), x2: x(at), y1: PAD.top, y2: H - PAD.bottom }, svg("title", {}, "The settings or the model changed here: before and after aren't the same measure")));
  }
  for (const one of series) node.append(...drawn(one, x, y, breaks, format, onPick));
  return node;
}

function drawn(one, x, y, breaks, format, onPick) {
  const points = thinned(one.points);
  const out = [];
  for (const part of pieces(points, breaks)) {
    const band = part.filter((p) => p.low !== undefined && p.low !== null);
    if (band.length > 1) {
      const edge = [...band.map((p) => `${x(p.x)},${y(p.high)}`), ...band.toReversed().map((p) => `${x(p.x)},${y(p.low)}`)];
      out.push(svg("polygon", { class: `band ${one.cls}`, points: edge.join(" ") }));
    }
    if (part.length > 1) out.push(svg("polyline", { class: `line ${one.cls}`, points: part.map((p) => `${x(p.x).toFixed(1)},${y(p.y).toFixed(1)}`).join(" ") }));
    for (const p of part) {
      if (points.length > 62) continue;
      const dot = svg("circle", { class: `dot ${one.cls}${onPick ? " pick" : ""}`, cx: x(p.x), cy: y(p.y), r: 3.2 }, svg("title", {}, `${one.name}, ${p.label ?? ""}: ${format(p.y)}${p.counted ? ` (${p.counted})` : ""}`));
      if (onPick) dot.addEventListener("click", () => onPick(p));
      out.push(dot);
    }
  }
  return out;
}

/** The runs of points between gaps and breaks. */
export function pieces(points, breaks) {
  const out = [[]];
  let last = null;
  for (const p of points) {
    if (p.y === null || p.y === undefined) {
      out.push([]);
      last = null;
      continue;
    }
    if (last !== null && breaks.some((b) => b > last.x && b <= p.x)) out.push([]);
    out[out.length - 1].push(p);
    last = p;
  }
  return out.filter((part) => part.length);
}

function saying(title, series, format) {
  const words = series.map((s) => {
    const known = s.points.filter((p) => p.y !== null);
    return known.length ? `${s.name} from ${format(known[0].y)} to ${format(known[known.length - 1].y)}` : `${s.name}: nothing`;
  });
  return `${title}. ${words.join("; ")}. The table below has every value.`;
}

/** Neighbours made one where there are too many to tell apart: sums, so that nothing is lost; `days` says how many. */
export function gatheredDays(points, most = 62) {
  const days = Math.ceil(points.length / most);
  if (days <= 1) return { points: points.map((p) => ({ ...p, end: p.x })), days: 1 };
  const out = [];
  for (const p of points) {
    const last = out[out.length - 1];
    if (!last || p.x - last.x >= days * 86_400_000) out.push({ ...p, end: p.x, parts: { ...p.parts } });
    else {
      last.end = p.x;
      for (const [name, n] of Object.entries(p.parts)) last.parts[name] = (last.parts[name] || 0) + n;
    }
  }
  return { points: out, days };
}

/** Stacked columns by day; points are {x: ms, label, parts: {name: count}}, names [name, cls] from below. */
export function stacks(title, all, names, { onPick } = {}) {
  fit();
  const { points, days } = gatheredDays(all);
  const sum = (p) => names.reduce((n, [name]) => n + (p.parts[name] || 0), 0);
  const top = Math.max(...points.map(sum), 1);
  const span = days * 86_400_000;
  const [x0, x1] = [points[0].x, points[points.length - 1].x + span];
  const x = (v) => PAD.left + ((v - x0) / (x1 - x0)) * (W - PAD.left - PAD.right);
  const y = (v) => H - PAD.bottom - (v / top) * (H - PAD.top - PAD.bottom);
  const node = svg("svg", { class: "chart", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${title}${days > 1 ? `, ${days} days a column` : ""}. From ${sum(points[0])} to ${sum(points[points.length - 1])}. The table below has every value.` });
  for (const t of ticks(0, top).filter(Number.isInteger)) node.append(svg("line", { class: t ? "grid" : "zero", x1: PAD.left, x2: W - PAD.right, y1: y(t), y2: y(t) }), svg("text", { class: "axis-text", x: PAD.left - 6, y: y(t) + 4, "text-anchor": "end" }, whole(t)));
  const width = Math.max(1, x(x0 + span) - x(x0) - (points.length > 40 ? 1 : 3));
  for (const p of points) {
    let up = 0;
    const column = svg("g", { class: onPick ? "pick" : undefined }, svg("title", {}, `${p.label}${days > 1 ? ` and the ${days - 1} days after` : ""}: ${names.filter(([name]) => p.parts[name]).map(([name]) => `${name} ${whole(p.parts[name])}`).join(", ")}`));
    for (const [name, cls] of names.filter(([one]) => p.parts[one])) {
      column.append(svg("rect", { class: `piece ${cls}`, x: x(p.x), width, y: y(up + p.parts[name]), height: y(up) - y(up + p.parts[name]) }));
      up += p.parts[name];
    }
    if (onPick) column.addEventListener("click", () => onPick(p));
    node.append(column);
  }
  const named = [points[0], points[Math.floor(points.length / 2)], points[points.length - 1]].filter((p, n, every) => every.indexOf(p) === n);
  named.forEach((p) => node.append(svg("text", { class: "axis-text", x: x(p.x) + width / 2, y: H - 8, "text-anchor": "middle" }, new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" }).format(p.x))));
  return days > 1 ? el("div", {}, el("p", { class: "fine" }, `${days} days a column.`), node) : node;
}

/** Where the names of rows stand: left of what is drawn, or above it where it is narrow. */
function row(name, y, narrow) {
  const most = narrow ? 40 : 26;
  const words = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  return svg("text", { class: "bar-name", x: narrow ? 0 : 178, y, "text-anchor": narrow ? "start" : "end" }, words, svg("title", {}, name));
}

/** Horizontal bars; rows are {name, value, of?, cls?, words?}. */
export function bars(title, rows, { format = String, most = 12, onPick } = {}) {
  const narrow = fit() < 400;
  const some = rows.slice(0, most);
  const top = Math.max(...some.map((r) => r.of ?? r.value), 1e-9);
  const [step, x, low] = narrow ? [46, 0, 22] : [30, 188, 6];
  const room = Math.min(260, Math.max(60, ...some.map((r) => 8.5 * String(r.words ?? format(r.value)).length)));
  const node = svg("svg", { class: "chart", viewBox: `0 0 ${W} ${some.length * step + 6}`, role: "img", "aria-label": `${title}. ${some.map((r) => `${r.name}: ${format(r.value)}`).join("; ")}.` });
  some.forEach((r, n) => {
    const width = (v) => Math.max(1.5, (v / top) * (W - x - 12 - room));
    const y = n * step + low;
    const line = svg("g", { class: onPick ? "pick" : undefined },
      row(r.name, n * step + (narrow ? 16 : 20), narrow),
      r.of !== undefined && r.of !== null ? svg("rect", { class: "behind", x, y, width: width(r.of), height: 20, rx: 5 }) : null,
      svg("rect", { class: `bar-fill ${r.cls || "plain"}`, x, y, width: width(r.value), height: 20, rx: 5 }),
      svg("text", { class: "bar-value", x: x + 6 + width(r.of ?? r.value), y: y + 14 }, r.words ?? format(r.value)));
    if (onPick) line.addEventListener("click", () => onPick(r));
    node.append(line);
  });
  return node;
}

/** A forest of intervals around no difference; rows are {name, low, mid, high, words, sure}. */
export function forest(title, rows, { format }) {
  const narrow = fit() < 400;
  const known = rows.filter((r) => r.low !== null && r.high !== null && r.mid !== null);
  if (!known.length) return null;
  const values = [0, ...known.flatMap((r) => [r.low, r.high])];
  const pad = 0.08 * (Math.max(...values) - Math.min(...values)) || 1;
  const [a, b] = [Math.min(...values) - pad, Math.max(...values) + pad];
  const left = narrow ? 10 : 190;
  const x = (v) => left + ((v - a) / (b - a)) * (W - left - 20);
  const step = narrow ? 52 : 40;
  const height = known.length * step + 34;
  const node = svg("svg", { class: "chart", viewBox: `0 0 ${W} ${height}`, role: "img", "aria-label": `${title}. ${known.map((r) => `${r.name}: ${format(r.mid)}, between ${format(r.low)} and ${format(r.high)}`).join("; ")}.` });
  for (const t of ticks(a, b, 4)) node.append(svg("line", { class: t === 0 ? "zero" : "grid", x1: x(t), x2: x(t), y1: 6, y2: height - 26 }), svg("text", { class: "axis-text", x: x(t), y: height - 8, "text-anchor": "middle" }, format(t)));
  known.forEach((r, n) => {
    const y = n * step + (narrow ? 38 : 24);
    node.append(
      row(r.name, narrow ? y - 18 : y + 5, narrow),
      svg("line", { class: `whisker ${r.sure || "unclear"}`, x1: x(r.low), x2: x(r.high), y1: y, y2: y }),
      svg("circle", { class: `mid ${r.sure || "unclear"}`, cx: x(r.mid), cy: y, r: 6 }, svg("title", {}, r.words || "")));
  });
  return node;
}

/** A chart with its key, its data as a table, and the ways to take it along. */
export function figure(name, chart, rows, tableNode, keys = []) {
  if (!chart) return el("p", { class: "empty" }, "Not enough to draw yet.");
  return el("figure", { class: "figure" },
    keys.length ? el("ul", { class: "keys" }, keys.map(([words, cls]) => el("li", {}, el("span", { class: `swatch ${cls}`, "aria-hidden": "true" }), words))) : null,
    chart,
    el("div", { class: "take" },
      el("details", {}, el("summary", {}, "As a table"), tableNode),
      csvButton(name, rows),
      el("button", { type: "button", class: "quiet small", "aria-label": `Save ${name} as PNG`, onclick: () => png(name, chart.matches("svg") ? chart : chart.querySelector("svg")) }, "PNG")));
}

/** The chart as it looks now, in a picture of twice its size. */
export async function png(name, chart) {
  const copy = chart.cloneNode(true);
  const box = chart.viewBox.baseVal;
  const both = [[chart, copy], ...[...chart.querySelectorAll("*")].map((node, n) => [node, copy.querySelectorAll("*")[n]])];
  for (const [from, to] of both) {
    const style = getComputedStyle(from);
    for (const key of KEEP) to.setAttribute(key, style.getPropertyValue(key));
    to.removeAttribute("class");
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", box.width);
  copy.setAttribute("height", box.height);
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await picture.decode();
  const canvas = el("canvas", { width: box.width * 2, height: box.height * 2 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(document.body).backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => save(`${name}.png`, blob), "image/png");
}
