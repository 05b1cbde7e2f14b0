// What people look for, and where we had nothing for them.

import { el, mark, percent } from "../base.js";
import { bars, figure } from "../chart.js";
import { bar, counted, csvButton, empty, into, panel, provenance, report, shown, table } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "Needs and unmet moments";
const KINDS = { know: "article", go: "place", do: "guide", buy: "product" };

export function show(view, params, go, link) {
  const needs = el("div", { class: "stack" });
  const unmet = el("div", { class: "stack" });
  view.append(controls(params, go), needs, unmet);
  const { own } = stretch(params);
  return Promise.all([
    into(needs, async () => looked(await report("needs", own), go, link), "Grouping needs"),
    into(unmet, async () => missed(await report("unmet", own), link), "Looking for what was missing"),
  ]);
}

const typed = { name: "type", title: "moment", show: (row) => (row.type ? el("span", { class: "typed" }, mark(row.type, 14), row.type) : null) };

function figures(reply) {
  return el("ul", { class: "figures" }, reply.figures.map((f) => el("li", {}, el("b", {}, shown(f)), el("span", {}, f.title), el("small", {}, counted(f)))));
}

function looked(reply, go, link) {
  const rows = reply.rows;
  const chart = rows.length ? bars("What people look for, by people", rows.map((r) => ({ name: r.need, value: r.people, cls: r.type, row: r })), { onPick: (r) => go({ type: r.row.type }) }) : null;
  const columns = [
    { name: "need" }, typed, { name: "people", num: true }, { name: "moments", num: true },
    { name: "served_share", title: "served", show: (r) => bar(r.served_share, percent(r.served_share), r.type) },
    { name: "fulfilled_share", title: "fulfilled", show: (r) => bar(r.fulfilled_share, percent(r.fulfilled_share), r.type) },
  ];
  return panel("What people look for", {}, figures(reply),
    rows.length ? figure("needs", chart, rows, table("Needs", columns, rows, { hideCaption: true }), Object.keys(KINDS).map((k) => [k, k])) : empty("No need that at least ten people share, in this stretch. Words of fewer stay hidden: they might tell who someone is."),
    rows.length ? table("Served and fulfilled, by need", columns, rows, { most: 25 }) : null,
    provenance(reply), el("p", { class: "fine" }, el("a", { href: link("behind", {}) }, "The moments behind these numbers")));
}

function missed(reply, link) {
  const of = (kind) => reply.rows.filter((row) => row.of === kind);
  const draft = { name: "draft", title: "act on it", show: (r) => el("a", { href: link("catalogue", { draft: r.need, kind: KINDS[r.type] || "article" }, true) }, "Draft an item") };
  const tables = [
    ["Moments in which nothing was served", "moment", [{ name: "need" }, typed, { name: "people", num: true }, { name: "count", title: "moments", num: true }, draft]],
    ["Decisions that had nothing to serve", "decision", [{ name: "slot" }, typed, { name: "people", num: true }, { name: "count", title: "decisions", num: true }, { name: "considered", num: true }]],
    ["Searches without a result", "search", [{ name: "need", title: "words" }, { name: "people", num: true }, { name: "count", title: "searches", num: true }, draft]],
  ];
  return panel("Unmet", { tools: reply.rows.length ? [csvButton("unmet", reply.rows)] : [] }, figures(reply),
    tables.map(([caption, kind, columns]) => (of(kind).length ? table(caption, columns, of(kind), { most: 25 }) : null)),
    reply.rows.length ? null : empty("Nothing went unmet that at least ten people share, in this stretch."), provenance(reply));
}
