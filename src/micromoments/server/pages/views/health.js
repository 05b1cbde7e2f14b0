// Whether the numbers can be trusted: how fresh, how clean, how far behind, how well calibrated.

import { ask, words } from "../api.js";
import { el, lasting, percent, whole } from "../base.js";
import { figure, lines } from "../chart.js";
import { ago, csvButton, empty, figures, into, leads, led, panel, provenance, report, table, when } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "Health";

export function show(view, params, go, link) {
  const [now, fresh, clean, sure] = ["stack", "stack", "stack", "stack"].map((cls) => el("div", { class: cls }));
  view.append(now, fresh, controls(params, go, { parts: [] }), clean, sure);
  const { own } = stretch({ ...params, type: "", channel: "", device: "" });
  return Promise.all([
    into(now, running, "Asking the server"),
    into(fresh, async () => freshness(await report("freshness"), link), "Asking how fresh"),
    into(clean, async () => quality(await report("quality", { from: own.from, to: own.to }), link), "Checking the data"),
    into(sure, async () => calibration(await report("calibration", { from: own.from, to: own.to }), link), "Checking the recogniser"),
  ]);
}

/** Metrics by name: the sum over labels of each series of Prometheus' text. */
export function metrics(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-z_:]+)(?:\{[^}]*\})? ([-+.\deE]+|NaN)$/.exec(line);
    if (match) found.set(match[1], (found.get(match[1]) || 0) + Number(match[2]));
  }
  return found;
}

async function running() {
  const [text, ready] = await Promise.all([words("metrics").catch(() => ""), ask("readyz").then(() => true, () => false)]);
  const found = metrics(text);
  const of = (name) => found.get(`micromoments_${name}`);
  const tiles = [
    ["Taking traffic", ready ? "yes" : "no", ready ? "good" : "bad"], ["Waiting to be folded", of("apply_backlog"), of("apply_backlog") > 10_000 ? "bad" : "good", "records accepted, not yet in anyone's moments"],
    ["Behind by", of("apply_lag_seconds"), of("apply_lag_seconds") > 1 ? "bad" : "good", "from arrival to moment"], ["Waiting to be durable", of("log_waiting"), "", "records on their way to disk"],
    ["Events accepted", of("events_accepted_total"), "", "since the server started"], ["Sent twice, dropped", of("events_duplicate_total"), ""], ["Decisions", of("decisions_total"), "", "since the server started"], ["Could not be folded", of("records_failed_total"), of("records_failed_total") ? "bad" : "good"],
    ["Writes that failed", (of("log_failures_total") ?? 0) + (of("commit_failures_total") ?? 0), of("log_failures_total") || of("commit_failures_total") ? "bad" : "good"], ["Items", of("items"), ""], ["People in memory", of("people_resident"), ""],
  ];
  const say = (name, v) => (typeof v === "string" ? v : v === undefined || Number.isNaN(v) ? "–" : name === "Behind by" ? lasting(v) : whole(v));
  return panel("The server now", {}, el("ul", { class: "figures" }, tiles.map(([name, value, cls, more]) => el("li", { class: cls || undefined }, el("b", {}, say(name, value)), el("span", {}, name), more ? el("small", {}, more) : null))),
    el("p", { class: "fine" }, text ? ["Of this process, as it is now; counters begin at its start. ", el("a", { href: "metrics" }, "Every metric, with what it counts"), "."] : "Metrics are for this machine and for whoever is signed in."));
}

function freshness(reply, link) {
  return panel("How fresh", { tools: [csvButton("freshness", reply.rows)] }, table("Facts by table", leads([{ name: "table" }, { name: "count", title: "facts", num: true }, { name: "oldest", show: (r) => when(r.oldest) }, { name: "newest", show: (r) => (r.newest ? `${when(r.newest)} (${ago(r.newest)})` : null) }], (r) => (r.table === "deliveries" ? link("deliveries", {}, true) : link("behind", { range: "all" }, true))), reply.rows, { hideCaption: true }), provenance(reply));
}

const MARKED = { bots: "mark:bot", internal: "mark:internal", test: "mark:test", late: "late:yes" };

function quality(reply, link) {
  const share = (name) => ({ name, num: true, show: (r) => (r.count ? el("span", { title: `${whole(r[name])} of ${whole(r.count)}` }, percent(r[name] / r.count, 1)) : null) });
  const named = (r) => link("behind", { only: `event:${r.name || r.type}` });
  const marked = (only) => link("behind", { only });
  return panel("Data quality", { id: "events-by-name", tools: [csvButton("quality", reply.rows)] },
    figures(reply.figures, { events: "events-by-name", bots: marked("mark:bot"), internal: marked("mark:internal"), test: marked("mark:test"), uncounted: marked("mark:any"), duplicates: "events-by-name", late: marked("late:yes"), unmatched: link("decisions", {}), unpriced: marked("event:Order Refunded") }),
    reply.rows.length ? table("Events by name", leads([{ name: "name", show: (r) => r.name || r.type }, { name: "type" }, { name: "count", num: true, show: (r) => led(r.count, named(r)) }, { name: "people", num: true, show: (r) => led(r.people, named(r)) }, share("bots"), share("internal"), share("test"), share("late"), { name: "delay_p95", title: "95 % arrive within", num: true, show: (r) => lasting(r.delay_p95 / 1000) }], (r, name) => (MARKED[name] ? marked(MARKED[name]) : named(r))), reply.rows, { hideCaption: true }) : empty("No event in this stretch."), provenance(reply));
}

function calibration(reply, link) {
  const chart = reply.rows.length > 1 ? reliability(reply.rows) : null;
  return panel("How sure, and how right", {}, figures(reply.figures, { fulfilled: link("behind", { only: "ended:fulfilled" }), ece: link("behind", {}) }),
    chart ? figure("calibration", chart, reply.rows, table("By how sure", leads([{ name: "confidence", title: "said" }, { name: "moments", num: true, show: (r) => led(r.moments, link("behind", { only: `sure:${Math.round(10 * Number.parseFloat(r.confidence))}` })) }, { name: "said", title: "said on average", num: true, show: (r) => percent(r.said) }, { name: "seen", title: "was right", num: true, show: (r) => percent(r.seen) }], (r) => link("behind", { only: `sure:${Math.round(10 * Number.parseFloat(r.confidence))}` })), reply.rows, { hideCaption: true }), [["Was right", "main"], ["As sure as it said", "anchored"]]) : empty("Too few moments ended to tell."), provenance(reply));
}

function reliability(rows) {
  const at = (r) => Math.round(r.said * 100);
  const series = [{ name: "Was right", cls: "main", points: rows.map((r) => ({ x: at(r), y: r.seen, label: r.confidence })) }, { name: "As sure as it said", cls: "anchored", points: rows.map((r) => ({ x: at(r), y: r.said, label: r.confidence })) }];
  return lines("How often it was right, by how sure it was", series, { format: (v) => percent(v), across: (v) => `${Math.round(v)} % sure` });
}
