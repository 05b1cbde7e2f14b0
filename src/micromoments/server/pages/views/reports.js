// Every report that the server has, as it is: figures and rows, with CSV. Whatever is added shows here by itself.

import { ask } from "../api.js";
import { el } from "../base.js";
import { columnsOf, csvButton, empty, figures, into, leads, panel, provenance, report, rowOf, table } from "../frame.js";
import { controls, pick, stretch } from "../range.js";

export const title = "All reports";

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  const choice = el("div", {});
  const by = pick("Split by", { "": "nothing", type: "moment", channel: "channel", device: "device", hour: "hour", day: "day" }, params.by || "", (value) => go({ by: value }));
  view.append(choice, controls(params, go, { more: [by] }), holder);
  const name = params.name || "moments";
  ask("v1/reports").then(({ reports }) => choice.replaceChildren(pick("Report", Object.fromEntries(reports.filter((r) => r.name !== "receipt").map((r) => [r.name, r.title])), name, (value) => go({ name: value, by: "", type: "", channel: "", device: "" }))), () => {});
  return into(holder, async () => {
    const reply = await report(name, { ...stretch(params).own, by: params.by });
    const kinds = new Map();
    for (const row of reply.rows) kinds.set(row.of || "", [...(kinds.get(row.of || "") || []), row.figures ? { part: row.part, ...Object.fromEntries(row.figures.map((f) => [f.title, f.value])) } : row]);
    return panel(reply.title, { tools: reply.rows.length ? [csvButton(name, reply.rows)] : [] },
      reply.notes?.length ? el("ul", { class: "plain" }, reply.notes.map((note) => el("li", {}, note))) : null,
      figures(reply.figures, link("behind", {})),
      [...kinds].map(([kind, rows]) => table(reply.kinds?.[kind] || kind || reply.title, leads(columnsOf(rows), (r) => link("behind", rowOf(r, params.by))), rows, { hideCaption: !kind })), reply.rows.length ? null : empty("No rows in this stretch."), provenance(reply));
  }, "Counting");
}
