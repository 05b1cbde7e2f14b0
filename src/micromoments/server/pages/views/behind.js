// What is behind a number: the moments, decisions and goals that it counts.

import { el, mark, percent } from "../base.js";
import { csvButton, empty, figureOf, into, money, panel, provenance, report, table, when } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "What is behind the number";

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(controls(params, go), holder);
  return into(holder, async () => {
    const reply = await report("behind", { ...stretch(params).own, slot: params.slot, cause: params.cause, item: params.item, need: params.need });
    const of = (kind) => reply.rows.filter((row) => row.of === kind);
    const only = params.cause ? `Moments missed for one cause: ${params.cause}. ` : params.item ? `Decisions that served ${params.item}. ` : params.need ? `Moments and searches for “${params.need}”. ` : "";
    const kinds = params.cause ? ["moment"] : params.item ? ["decision"] : params.need ? ["moment", "search"] : ["moment", "decision", "goal"];
    const all = {
      moment: () => listed("Moments", "moments-behind", of("moment"), momentColumns(link), `${figureOf(reply, "moments")?.count ?? 0} in all`),
      decision: () => listed("Decisions", "decisions-behind", of("decision"), decisionColumns(link)),
      goal: () => listed("Goals", "goals-behind", of("goal"), goalColumns(link)),
      search: () => listed("Searches", "searches-behind", of("search"), [at, person, { name: "channel" }, { name: "device" }, { name: "results", num: true, show: (row) => (row.results < 0 ? "not said" : row.results) }]),
    };
    return [
      only ? el("p", { class: "lead" }, only, el("button", { type: "button", class: "quiet small", onclick: () => go({ cause: "", item: "", need: "" }) }, "Show all")) : null,
      provenance(reply),
      ...kinds.map((kind) => all[kind]()),
    ];
  }, "Looking them up");
}

function listed(name, file, rows, columns, more = "") {
  return panel(more ? `${name}, ${more}` : name, { tools: rows.length ? [csvButton(file, rows)] : [] }, rows.length ? table(name, columns, rows, { hideCaption: true }) : empty(`No ${name.toLowerCase()} in this stretch.`));
}

export const at = { name: "at", title: "when", show: (row) => when(row.at) };
const type = { name: "type", title: "moment", show: (row) => (row.type ? el("span", { class: "typed" }, mark(row.type, 14), row.type) : null) };
const person = { name: "person", show: (row) => el("span", { class: "mono", title: "A random number that stands for the person in the facts" }, `#${String(row.person).slice(-6)}`) };
const receipt = (link, key) => ({ name: key, title: "receipt", show: (row) => (row[key] ? el("a", { href: link("decision", { id: row[key] }, true) }, "open") : null) });

function momentColumns(link) {
  return [at, type, person, { name: "channels" }, { name: "category" }, { name: "confidence", title: "sure", num: true, show: (row) => percent(row.confidence) }, { name: "served" }, { name: "ended" }, receipt(link, "decision")];
}

export function decisionColumns(link) {
  return [at, { name: "slot" }, type, person, { name: "first", title: "served first" }, { name: "considered", num: true }, { name: "refused", num: true }, { name: "policy" }, { name: "mode" },
    { name: "held_out", title: "held out" }, { name: "propensity", num: true, show: (row) => percent(row.propensity, 1) }, { name: "came_of_it", title: "came of it" }, receipt(link, "id")];
}

function goalColumns(link) {
  return [at, { name: "name", title: "event" }, { name: "goal" }, person, { name: "channel" }, { name: "value", num: true, show: (row) => (row.currency ? money(row.value, row.currency) : null) }, receipt(link, "decision")];
}
