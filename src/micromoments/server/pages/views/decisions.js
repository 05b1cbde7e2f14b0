// Decisions: how many by slot and policy, why items were refused, and each of them with its receipt.

import { el, percent, whole } from "../base.js";
import { bars, figure } from "../chart.js";
import { csvButton, empty, figures, into, leads, led, panel, provenance, report, table } from "../frame.js";
import { controls, stretch, text } from "../range.js";
import { decisionColumns } from "./behind.js";

export const title = "Decisions";

export function show(view, params, go, link) {
  const summary = el("div", { class: "stack" });
  const list = el("div", { class: "stack" });
  const find = el("form", { class: "find", role: "search" }, el("label", { for: "find-decision" }, "Find one by its id"), el("input", { id: "find-decision", type: "text", placeholder: "d-…", spellcheck: "false", required: true }), el("button", {}, "Open its receipt"));
  find.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = link("decision", { id: find.querySelector("input").value.trim() }, true);
  });
  view.append(controls(params, go, { parts: ["type"], more: [text("Slot", params.slot, (slot) => go({ slot }))] }), find, summary, list);
  const { own } = stretch({ ...params, channel: "", device: "" });
  return Promise.all([
    into(summary, async () => summed(await report("decisions", { ...own, slot: params.slot }), go, link, params.slot), "Counting"),
    into(list, async () => listed(await report("behind", { ...own, slot: params.slot }), link), "Looking them up"),
  ]);
}

function summed(reply, go, link, slot) {
  const behind = (only, of = slot) => link("behind", { slot: of, only });
  const of = (kind) => reply.rows.filter((row) => row.of === kind);
  const [slots, refusals] = [of("decisions"), of("refusals")];
  const columns = [{ name: "slot", show: (r) => el("button", { type: "button", class: "as-link", onclick: () => go({ slot: r.slot }) }, r.slot) }, { name: "policy" }, { name: "mode" }, { name: "decisions", num: true, show: (r) => led(r.decisions, link("behind", { slot: r.slot })) }, { name: "people", num: true, show: (r) => led(r.people, link("behind", { slot: r.slot })) },
    { name: "held_out", title: "held out", num: true, show: (r) => led(r.held_out, behind("held:yes", r.slot)) }, { name: "empty", title: "nothing to serve", num: true, show: (r) => led(r.empty, behind("empty:yes", r.slot)) }, { name: "median_propensity", title: "median chance", num: true, show: (r) => percent(r.median_propensity, 1) }, { name: "bad_propensities", title: "impossible chances", num: true }, { name: "considered", title: "considered on average", num: true, show: (r) => (r.considered === null ? null : r.considered.toFixed(1)) }];
  const refused = refusals.map((r) => ({ code: r.code, count: r.count }));
  const chart = refused.length ? bars("Why items were refused", refused.map((r) => ({ name: r.code.replaceAll("_", " "), value: r.count, row: r })), { format: whole, onPick: (r) => (location.hash = behind(`refused:${r.row.code}`)) }) : null;
  return [
    panel("In this stretch", { tools: slots.length ? [csvButton("decisions-by-slot", slots)] : [] },
      figures(reply.figures, { decisions: link("behind", { slot }), empty: behind("empty:yes"), held_out: behind("held:yes"), degraded: behind("degraded:yes"), bad_propensities: link("behind", { slot }) }),
      slots.length ? table("By slot, policy and mode", leads(columns, (r) => link("behind", { slot: r.slot })), slots) : empty("No decision in this stretch."), provenance(reply)),
    refused.length ? panel("Why items were refused", {}, figure("refusals", chart, refused, table("Refusals", [{ name: "code" }, { name: "count", num: true, show: (r) => led(r.count, behind(`refused:${r.code}`)) }], refused, { hideCaption: true }))) : null,
  ];
}

function listed(reply, link) {
  const rows = reply.rows.filter((row) => row.of === "decision");
  return panel(`The newest ${rows.length === 100 ? "hundred" : rows.length || ""}`, { tools: rows.length ? [csvButton("decisions", rows)] : [] }, rows.length ? table("Decisions, the newest first", decisionColumns(link), rows, { hideCaption: true }) : empty("None in this stretch."));
}
