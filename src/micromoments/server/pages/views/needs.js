// What people look for, and how far we met it.

import { el, mark, percent } from "../base.js";
import { bars, figure } from "../chart.js";
import { bar, empty, figures, into, leads, led, panel, provenance, report, table } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "What people look for";
const TYPES = ["know", "go", "do", "buy"];

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(controls(params, go), holder);
  return into(holder, async () => looked(await report("needs", stretch(params).own), go, link), "Counting needs");
}

const typed = { name: "type", title: "moment", show: (row) => (row.type ? el("span", { class: "typed" }, mark(row.type, 14), row.type) : null) };

function looked(reply, go, link) {
  const rows = reply.rows;
  const chart = rows.length ? bars("What people look for, by people", rows.map((r) => ({ name: r.need, value: r.people, cls: r.type, row: r })), { onPick: (r) => go({ type: r.row.type }) }) : null;
  const its = (r, name) => link("behind", { need: r.need, type: r.type, only: name === "served_share" ? "served:yes" : "ended:fulfilled" });
  const columns = leads([
    { name: "need" }, typed, { name: "people", num: true, show: (r) => led(r.people, link("behind", { need: r.need, type: r.type })) }, { name: "moments", num: true, show: (r) => led(r.moments, link("behind", { need: r.need, type: r.type })) },
    { name: "served_share", title: "served", lead: true, show: (r) => bar(r.served_share, percent(r.served_share), r.type) },
    { name: "fulfilled_share", title: "fulfilled", lead: true, show: (r) => bar(r.fulfilled_share, percent(r.fulfilled_share), r.type) },
  ], its);
  return panel("By need", {}, figures(reply.figures, link("behind", {})),
    rows.length ? figure("needs", chart, rows, table("Needs", columns, rows, { hideCaption: true }), TYPES.map((k) => [k, k])) : empty("No need that at least ten people share, in this stretch. Words of fewer stay hidden: they might tell who someone is."),
    rows.length ? table("Served and fulfilled, by need", columns, rows, { most: 25 }) : null,
    provenance(reply), el("p", { class: "fine" }, el("a", { href: link("behind", {}) }, "The moments behind these numbers"), " · ", el("a", { href: link("unmet", {}) }, "What went unmet")));
}
