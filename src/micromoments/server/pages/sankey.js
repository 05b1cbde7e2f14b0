// A Sankey diagram that stays readable: steps as columns, the few largest nodes of each, all others gathered.

import { el, svg, whole } from "./base.js";

const [W, H, TOP, BAR, GAP, NAMES] = [1120, 420, 28, 12, 14, 250];
/** The last column's names stand at its right, in a margin of their own. */
const MOST = 5;
const ENDS = ["fulfilled", "left", "went on"];

/** Nodes by step with the seldom ones gathered; a map from each id to what stands for it. */
function gathered(nodes) {
  const stands = new Map();
  for (const step of new Set(nodes.map((n) => n.step))) {
    const mine = nodes.filter((n) => n.step === step).sort((a, b) => b.moments - a.moments);
    mine.forEach((n, place) => stands.set(n.id, place < MOST || mine.length === MOST + 1 ? n.id : `${step} others`));
  }
  return stands;
}

/** Flows between what is drawn: several links may share one. */
function flowing(links, stands) {
  const flows = new Map();
  for (const link of links) {
    const step = Number(link.step);
    const target = ENDS.includes(link.target) ? link.target : stands.get(link.target) ?? `${step + 1} others`;
    const source = stands.get(link.source) ?? `${step} others`;
    const key = `${source}>${target}`;
    const one = flows.get(key) || { source, target, step, count: 0 };
    one.count += link.count;
    flows.set(key, one);
  }
  return [...flows.values()];
}

/** The diagram; `spoken` says a node's id in words. Nodes are buttons: choosing one follows its bands. */
export function sankey(title, nodes, links, spoken) {
  const flows = flowing(links, gathered(nodes));
  const steps = Math.max(...flows.map((f) => f.step + (ENDS.includes(f.target) ? 0 : 1))); // the last column is for ends alone
  const drawn = new Map();
  const add = (id, column) => drawn.get(id) ?? drawn.set(id, { id, column, into: 0, out: 0, at: { into: 0, out: 0 } }).get(id);
  for (const f of flows) {
    add(f.source, f.step - 1).out += f.count;
    add(f.target, ENDS.includes(f.target) ? steps : f.step).into += f.count;
  }
  placed([...drawn.values()], steps);
  const high = Math.max(H, ...[...drawn.values()].map((node) => node.y + node.height + GAP));
  const picture = svg("svg", { class: "chart sankey", viewBox: `0 0 ${W} ${Math.ceil(high)}`, role: "group", "aria-label": `${title}. The table below has every step.` });
  for (let n = 0; n <= steps; n++) picture.append(svg("text", { class: "axis-text", x: columnAt(n, steps), y: 12 }, n === steps ? "in the end" : `${n + 1}. moment`));
  for (const f of [...flows].sort((a, b) => drawn.get(a.source).y - drawn.get(b.source).y || drawn.get(a.target).y - drawn.get(b.target).y)) picture.append(band(f, drawn, steps, spoken));
  for (const node of drawn.values()) picture.append(box(node, steps, spoken, picture));
  return el("div", { class: "scroll wide-picture", tabindex: "0", role: "region", "aria-label": title }, picture);
}

const columnAt = (n, steps) => (n / Math.max(1, steps)) * (W - BAR - NAMES);

/** Where each node stands: the largest above, ends in their order, all columns at one scale. */
function placed(nodes, steps) {
  const columns = Array.from({ length: steps + 1 }, (_, n) => nodes.filter((node) => node.column === n));
  const size = (node) => Math.max(node.into, node.out);
  const scale = Math.min(...columns.filter((c) => c.length).map((c) => (H - TOP - GAP * (c.length - 1)) / c.reduce((sum, node) => sum + size(node), 0)));
  for (const column of columns) {
    column.sort((a, b) => (ENDS.includes(a.id) ? ENDS.indexOf(a.id) - ENDS.indexOf(b.id) : a.id.endsWith("others") - b.id.endsWith("others") || size(b) - size(a)));
    let y = TOP;
    for (const node of column) {
      Object.assign(node, { y, height: Math.max(2, size(node) * scale), scale });
      y += node.height + GAP;
    }
  }
}

function band(flow, drawn, steps, spoken) {
  const [from, to] = [drawn.get(flow.source), drawn.get(flow.target)];
  const thick = Math.max(1, flow.count * from.scale);
  const [x0, x1] = [columnAt(from.column, steps) + BAR, columnAt(to.column, steps)];
  const [y0, y1] = [from.y + from.at.out, to.y + to.at.into];
  from.at.out += thick;
  to.at.into += thick;
  const bend = (x1 - x0) / 2;
  const d = `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}V${y1 + thick}C${x1 - bend} ${y1 + thick} ${x0 + bend} ${y0 + thick} ${x0} ${y0 + thick}Z`;
  return svg("path", { class: `flow ${kind(flow.source)}`, d, "data-from": flow.source, "data-to": flow.target }, svg("title", {}, `${spoken(flow.source)} to ${spoken(flow.target)}: ${whole(flow.count)} times`));
}

const kind = (id) => id.split(" ")[1] ?? "";

function box(node, steps, spoken, picture) {
  const last = node.column === steps;
  const count = Math.max(node.into, node.out);
  const x = columnAt(node.column, steps);
  const words = spoken(node.id);
  const group = svg("g", { class: "node", tabindex: "0", role: "button", "aria-pressed": "false", "data-node": node.id, "aria-label": `${words}, ${last ? "in the end" : `moment ${node.column + 1}`}: ${whole(count)} times` },
    svg("rect", { class: `post ${ENDS.includes(node.id) ? node.id.replace(" ", "-") : kind(node.id)}`, x, y: node.y, width: BAR, height: node.height, rx: 3 }),
    svg("text", { class: "node-name", x: x + BAR + 6, y: node.y + Math.min(node.height / 2, 40) + 4 }, words, svg("tspan", { class: "node-count", dx: 6 }, whole(count))));
  const choose = () => {
    const chosen = group.getAttribute("aria-pressed") !== "true";
    for (const other of picture.querySelectorAll(".node")) other.setAttribute("aria-pressed", String(chosen && other === group));
    picture.classList.toggle("following", chosen);
    for (const flow of picture.querySelectorAll(".flow")) flow.classList.toggle("followed", chosen && (flow.dataset.from === node.id || flow.dataset.to === node.id));
  };
  group.addEventListener("click", choose);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  });
  return group;
}
