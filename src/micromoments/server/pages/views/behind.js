// What is behind a number: the moments, decisions and goals that it counts.

import { el, mark, percent, whole } from "../base.js";
import { csvButton, empty, figureOf, into, money, panel, provenance, report, table, when } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "What is behind the number";

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(controls(params, go), holder);
  return into(holder, async () => {
    const reply = await report("behind", { ...stretch(params).own, slot: params.slot, cause: params.cause, item: params.item, need: params.need, cursor: params.cursor, only: params.only });
    const of = (kind) => reply.rows.filter((row) => row.of === kind);
    const only = params.cause ? `Moments missed for one cause: ${params.cause}. ` : params.item ? `Decisions that served ${params.item}. ` : params.need ? `Moments and searches for “${params.need}”. ` : params.only ? `${narrowed(params.only)}. ` : "";
    const listedOnly = ["moment", "decision", "event"].find((kind) => reply.rows.some((row) => row.of === kind)) ?? "moment";
    const kinds = params.only ? [listedOnly] : params.cause ? ["moment"] : params.item ? ["decision"] : params.need ? ["moment", "search"] : ["moment", "decision", "goal"];
    const all = {
      moment: () => listed("Moments", "moments-behind", of("moment"), momentColumns(link), inAll(reply, "moments")),
      decision: () => listed("Decisions", "decisions-behind", of("decision"), decisionColumns(link), inAll(reply, "decisions")),
      event: () => listed("Events", "events-behind", of("event"), [at, { name: "name", title: "event" }, person, { name: "channel" }, { name: "device" }, { name: "item" }], inAll(reply, "events")),
      goal: () => listed("Goals", "goals-behind", of("goal"), goalColumns(link)),
      search: () => listed("Searches", "searches-behind", of("search"), [at, person, { name: "channel" }, { name: "device" }, { name: "results", num: true, show: (row) => (row.results < 0 ? "not said" : row.results) }]),
    };
    return [
      only ? el("p", { class: "lead" }, only, el("button", { type: "button", class: "quiet small", onclick: () => go({ cause: "", item: "", need: "", only: "", cursor: "" }) }, "Show all")) : null,
      provenance(reply),
      ...kinds.map((kind) => all[kind]()),
      reply.cursor || params.cursor ? el("div", { class: "acts" }, params.cursor ? el("button", { type: "button", class: "quiet", onclick: () => go({ cursor: "" }) }, "The newest") : null, reply.cursor ? el("button", { type: "button", class: "quiet", onclick: () => go({ cursor: reply.cursor }) }, "Older") : null) : null,
    ];
  }, "Looking them up");
}

const inAll = (reply, name) => (figureOf(reply, name) ? `${whole(figureOf(reply, name).count)} in all` : "");

/** `only` in words. */
const SAID = {
  served: { yes: "Moments in which something was served", no: "Moments in which nothing was served" }, crossed: { yes: "Moments that crossed channels", no: "Moments on one channel" }, empty: { yes: "Decisions that had nothing to serve" }, held: { yes: "Decisions for people held out" }, degraded: { yes: "Decisions that left something out or fell back" }, late: { yes: "Events that came over five minutes late" },
  ended: { fulfilled: "Moments that were fulfilled", abandoned: "Moments given up", expired: "Moments that ran out", gone: "Moments given up or run out", open: "Moments still open" }, mark: { bot: "Events of bots", internal: "Events of own people", test: "Events of tests", any: "Events that no other report counts" }, click: { rage: "Clicks in anger", dead: "Clicks into nothing" },
};
function narrowed(only) {
  const [name, ...rest] = only.split(":");
  const value = rest.join(":");
  const said = SAID[name]?.[value];
  if (said) return said;
  if (name === "sure") return `Moments of which it was ${value}0 to ${Number(value) + 1}0 % sure, fulfilled or given up`;
  if (name === "wanted") return `Moments in which “${value}” was wanted`;
  if (name === "refused") return `Decisions that refused something: ${value.replaceAll("_", " ")}`;
  if (name === "experiment") return `Decisions in ${value}`;
  return name === "event" ? `Events named ${value}` : only;
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
