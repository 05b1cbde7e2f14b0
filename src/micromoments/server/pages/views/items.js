// What became of each item and offer that was served.

import { el, percent } from "../base.js";
import { bars, figure } from "../chart.js";
import { empty, figures, into, leads, led, money, panel, provenance, report, table } from "../frame.js";
import { controls, pick, stretch, text } from "../range.js";

export const title = "Items and offers";
const KINDS = { "": "All kinds", article: "article", guide: "guide", place: "place", product: "product", offer: "offer" };

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  const kind = pick("Kind", KINDS, params.only || "", (only) => go({ only }));
  view.append(controls(params, go, { parts: [], more: [kind, text("Slot", params.slot, (slot) => go({ slot }))] }), holder);
  return into(holder, async () => {
    const { own } = stretch({ ...params, type: "", channel: "", device: "", place: "" });
    const reply = await report("items", { ...own, slot: params.slot });
    const rows = reply.rows.filter((row) => !params.only || row.kind === params.only);
    const guides = params.only && params.only !== "guide" ? null : played(await report("guides", own), link);
    if (!rows.length) return [panel("Items", {}, empty("Nothing of this was served in this stretch."), provenance(reply)), guides];
    return [panel("The most served", {}, figures(reply.figures, link("decisions", {})), figure("items-clicked", clicked(rows, go), rows, listed(rows, link), [["clicked, of those who saw it, where ten or more did", "plain"]]), listed(rows, link), provenance(reply)), guides];
  }, "Counting what came of each");
}

/** How far people come with guides; nothing where nobody began one. */
function played(reply, link) {
  if (!reply.rows.length) return null;
  const columns = [
    { name: "item", title: "guide", show: (r) => el("a", { href: link("catalogue", { item: r.item }, true) }, r.item) }, { name: "started", title: "people who began", num: true }, { name: "stepped", title: "did a step", num: true }, { name: "steps", title: "steps done", num: true },
    { name: "completed", title: "finished", num: true }, { name: "completed_share", title: "finished, of those who began", num: true, show: (r) => percent(r.completed_share) },
  ];
  return panel("Guides, how far people come", { id: "guides-played" }, figures(reply.figures, { guides: "guides-played", steps: "guides-played", completed: "guides-played" }), table("Guides, how far people come", columns, reply.rows, { hideCaption: true, most: 20 }), provenance(reply));
}

function clicked(rows) {
  const seen = rows.filter((r) => r.seen >= 10).sort((a, b) => b.click_share - a.click_share);
  return seen.length ? bars("Clicked, of those seen ten times or more", seen.map((r) => ({ name: r.item, value: r.click_share, words: `${percent(r.click_share)} of ${r.seen}` })), { format: (v) => percent(v, 1) }) : null;
}

function listed(rows, link) {
  const its = (r) => link("behind", { item: r.item });
  const columns = [
    { name: "item", show: (r) => el("a", { href: link("catalogue", { item: r.item }, true) }, r.item) }, { name: "kind" }, { name: "served", num: true, show: (r) => led(r.served, link("behind", { item: r.item })) }, { name: "first", title: "served first", num: true, show: (r) => led(r.first, its(r)) }, { name: "people", num: true, show: (r) => led(r.people, its(r)) }, { name: "seen", num: true, show: (r) => led(r.seen, its(r)) },
    { name: "clicked", num: true, show: (r) => led(r.clicked, its(r)) }, { name: "click_share", title: "clicked, of seen", num: true, show: (r) => percent(r.click_share, 1) }, { name: "dismissed", num: true, show: (r) => led(r.dismissed, its(r)) }, { name: "goals", num: true, show: (r) => led(r.goals, its(r)) },
    { name: "value", title: "net value", num: true, show: (r) => (r.currency ? money(r.value, r.currency) : null) }, { name: "cost", title: "offers' cost", num: true, show: (r) => (r.cost && r.currency ? money(r.cost, r.currency) : null) },
  ];
  return table("Items, the most served first", leads(columns, its), rows, { hideCaption: true, most: 50 });
}
