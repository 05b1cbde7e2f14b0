// Decisions: how many by slot and policy, why items were refused, and each of them with its receipt.

import { el, percent } from "../base.js";
import { bars, figure } from "../chart.js";
import { counted, csvButton, empty, into, panel, provenance, report, shown, table } from "../frame.js";
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
    into(summary, async () => summed(await report("decisions", { ...own, slot: params.slot }), go), "Counting"),
    into(list, async () => listed(await report("behind", { ...own, slot: params.slot }), link), "Looking them up"),
  ]);
}

function summed(reply, go) {
  const of = (kind) => reply.rows.filter((row) => row.of === kind);
  const [slots, refusals] = [of("decisions"), of("refusals")];
  const columns = [{ name: "slot", show: (r) => el("button", { type: "button", class: "as-link", onclick: () => go({ slot: r.slot }) }, r.slot) }, { name: "policy" }, { name: "mode" }, { name: "decisions", num: true }, { name: "people", num: true },
    { name: "held_out", title: "held out", num: true }, { name: "empty", title: "nothing to serve", num: true }, { name: "median_propensity", title: "median chance", num: true, show: (r) => percent(r.median_propensity, 1) }, { name: "bad_propensities", title: "bad chances", num: true }, { name: "considered", title: "considered on average", num: true, show: (r) => (r.considered === null ? null : r.considered.toFixed(1)) }];
  const refused = refusals.map((r) => ({ code: r.code, count: r.count }));
  const chart = refused.length ? bars("Why items were refused", refused.map((r) => ({ name: r.code.replaceAll("_", " "), value: r.count }))) : null;
  return [
    panel("In this stretch", { tools: slots.length ? [csvButton("decisions-by-slot", slots)] : [] },
      el("ul", { class: "figures" }, reply.figures.map((f) => el("li", {}, el("b", { "data-figure": f.name }, shown(f)), el("span", {}, f.title), el("small", {}, counted(f))))),
      slots.length ? table("By slot, policy and mode", columns, slots) : empty("No decision in this stretch."), provenance(reply)),
    refused.length ? panel("Why items were refused", {}, figure("refusals", chart, refused, table("Refusals", [{ name: "code" }, { name: "count", num: true }], refused, { hideCaption: true }))) : null,
  ];
}

function listed(reply, link) {
  const rows = reply.rows.filter((row) => row.of === "decision");
  return panel(`The newest ${rows.length === 100 ? "hundred" : rows.length || ""}`, { tools: rows.length ? [csvButton("decisions", rows)] : [] }, rows.length ? table("Decisions, the newest first", decisionColumns(link), rows, { hideCaption: true }) : empty("None in this stretch."));
}
