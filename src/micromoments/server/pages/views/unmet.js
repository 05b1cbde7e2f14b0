// Needs that weren't met, by what they may be worth; from each, one click drafts what would meet it.

import { el, mark, percent, whole } from "../base.js";
import { csvButton, empty, figures, into, leads, led, money, panel, provenance, report, table } from "../frame.js";
import { controls, pick, stretch } from "../range.js";

export const title = "Unmet moments";
const LIFTS = { "": "1 % to 5 %", "0.005-0.02": "0.5 % to 2 %", "0.05-0.15": "5 % to 15 %" };

export function show(view, params, go, link) {
  const [ranked, others] = [el("div", { class: "stack" }), el("div", { class: "stack" })];
  const lift = pick("Serving is assumed to add", LIFTS, params.lift || "", (value) => go({ lift: value }));
  view.append(controls(params, go, { more: [lift] }), ranked, others);
  const { own } = stretch(params);
  return Promise.all([
    into(ranked, async () => worth(await report("worth", { ...own, lift: params.lift }), link), "Counting what followed"),
    into(others, async () => found(await report("unmet", own), link), "Looking for what was missing"),
  ]);
}

const typed = { name: "type", title: "moment", show: (row) => (row.type ? el("span", { class: "typed" }, mark(row.type, 14), row.type) : null) };
const drafted = (link) => ({ name: "draft", title: "act on it", show: (r) => el("a", { href: link("draft", { need: r.need, kind: r.type }, true), "aria-label": `Draft for ${r.need}` }, "Draft") });

function worth(reply, link) {
  const top = Math.max(...reply.rows.map((r) => r.high), 1);
  const columns = leads([
    { name: "need" }, typed, { name: "people", num: true, show: (r) => led(r.people, link("behind", { need: r.need, type: r.type })) }, { name: "moments", title: "moments unserved", num: true, show: (r) => led(r.moments, link("behind", { need: r.need, type: r.type })) }, { name: "goals", title: "goals all the same", num: true, show: (r) => led(r.goals, link("behind", {}), "The goals of the stretch; each counts for the newest moment before it") },
    { name: "high", title: "may be worth", lead: true, show: (r) => range(r, top) }, drafted(link),
  ], (r) => link("behind", { need: r.need, type: r.type }));
  return panel("By what they may be worth", { tools: reply.rows.length ? [csvButton("unmet-by-worth", reply.rows)] : [] }, figures(reply.figures, link("behind", {})),
    reply.rows.length ? table("Unmet needs by worth", columns, reply.rows, { hideCaption: true, most: 25 }) : empty("Nothing went unmet that at least ten people share, in this stretch."),
    el("details", { open: true }, el("summary", {}, "How the range is computed"), el("ul", { class: "plain" }, reply.notes.map((note) => el("li", {}, note)))), provenance(reply));
}

/** From low to high as a bar, and in words. */
function range(row, top) {
  if (!row.high) return row.goals ? "goals without a value" : "nothing followed";
  const fill = el("span", { class: `fill ${row.type}` });
  Object.assign(fill.style, { marginLeft: `${(100 * row.low) / top}%`, width: `${Math.max(2, (100 * (row.high - row.low)) / top)}%` });
  return el("span", { class: "cell-range" }, el("span", { class: "track", "aria-hidden": "true" }, fill), el("span", {}, `${money(row.low, row.currency)} to ${money(row.high, row.currency)}`));
}

function found(reply, link) {
  const of = (kind) => reply.rows.filter((row) => row.of === kind);
  const tables = [
    ["Searches without a result", "search", [{ name: "need", title: "words" }, { name: "people", num: true }, { name: "count", title: "searches", num: true, show: (r) => led(r.count, link("behind", { need: r.need })) }, drafted(link)]],
    ["Questions that no text answers", "answer", [{ name: "need", title: "question" }, { name: "people", num: true }, { name: "count", title: "times", num: true, show: (r) => led(r.count, link("behind", { need: r.need })) }, drafted(link)]],
    ["Decisions that had nothing to serve", "decision", [{ name: "slot", show: (r) => el("a", { href: link("decisions", { slot: r.slot }) }, r.slot) }, typed, { name: "people", num: true }, { name: "count", title: "decisions", num: true, show: (r) => led(r.count, link("behind", { slot: r.slot, type: r.type, only: "empty:yes" })) }, { name: "considered", title: "considered on average", num: true, show: (r) => whole(r.considered / r.count) }]],
  ];
  const some = tables.filter(([, kind]) => of(kind).length);
  return panel("Where nothing was there", { tools: reply.rows.length ? [csvButton("unmet", reply.rows)] : [] }, figures(reply.figures, { unserved: link("behind", { only: "served:no" }), empty: link("behind", { only: "empty:yes" }), unanswered: link("behind", { only: "degraded:yes" }), no_results: link("pain", {}) }),
    some.map(([caption, kind, columns]) => table(caption, leads(columns, (r) => link("behind", kind === "decision" ? { slot: r.slot, type: r.type, only: "empty:yes" } : { need: r.need })), of(kind), { most: 25 })), some.length ? null : empty("Nothing of this that at least ten people share, in this stretch."),
    provenance(reply), el("p", { class: "fine" }, el("a", { href: link("missed", {}) }, "Why moments were missed"), reply.figures[0]?.value === null ? null : ` · ${percent(reply.figures[0]?.value)} of the moments opened were served nothing.`));
}
