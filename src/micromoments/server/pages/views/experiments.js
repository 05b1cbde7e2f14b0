// What serving was worth: a plain sentence, the interval, its course over time, and what would make one doubt it.

import { el, percent, signed, whole } from "../base.js";
import { figure, forest, lines } from "../chart.js";
import { button, csvButton, empty, into, leads, panel, provenance, report, table } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "Experiments";
const METRIC = { people: "people who reach it", times: "times a person", value: "worth a person" };
const LOOKS = 8;

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(controls(params, go, { parts: [] }), holder);
  const { own } = stretch({ ...params, type: "", channel: "", device: "" });
  delete own.segment;
  return into(holder, async () => {
    const reply = await report("lift", own);
    const rows = reply.rows.filter((row) => row.primary !== false);
    const explored = reply.rows.filter((row) => row.primary === false);
    return [
      ...(rows.length ? rows.filter((row) => row.proof).map((row) => one(row, reply, link)) : [empty("No decision in this stretch, so there is nothing to compare.")]),
      unproven(rows.filter((row) => !row.proof), link),
      explored.length ? panel("Explored beside the declared goals", { tools: [csvButton("explored", flat(explored))] }, el("p", { class: "fine" }, "Corrected for how many they are. Take them as questions, not as answers."), el("details", {}, el("summary", {}, `All ${flat(explored).length} comparisons`), table("Explored", [{ name: "what" }, { name: "goal" }, { name: "metric" }, { name: "sentence" }], flat(explored), { hideCaption: true, most: 60 }))) : null,
      provenance(reply),
    ];
  }, "Comparing people");
}

const called = (row) => (row.of === "slot" ? `Serving by moment in ${row.slot}` : row.of === "rule" ? `Rule ${row.experiment}` : `${row.experiment}, in ${row.slot}`);
const flat = (rows) => rows.flatMap((row) => row.comparisons.map((c) => ({ what: called(row), goal: row.goal, ...c, bayes: undefined })));

function one(row, reply, link) {
  const sure = row.comparisons[0]?.verdict;
  const format = (v) => (Math.abs(v) < 0.1 && v ? percent(v, 1) : v ? signed(v) : percent(0));
  const relative = row.comparisons.filter((c) => c.relative !== null && c.relative !== undefined && c.relative_low !== null && c.relative_high !== null);
  const bars = relative.map((c) => ({ name: METRIC[c.metric] || c.metric, low: c.relative_low, mid: c.relative, high: c.relative_high, sure: c.verdict, words: c.sentence }));
  const rows = flat([row]).map((c) => ({ metric: c.metric, treated: c.treated, control: c.control, treated_mean: c.treated_mean, control_mean: c.control_mean, difference: c.difference, low: c.low, high: c.high, relative: c.relative, p: c.p, verdict: c.verdict }));
  const columns = leads([{ name: "metric", show: (r) => METRIC[r.metric] || r.metric }, ...["treated_mean", "control_mean", "difference", "low", "high", "p"].map((name) => ({ name, title: name.replaceAll("_", " "), num: true })), { name: "verdict" }], (r, name) => (name.endsWith("_mean") ? placed(row, link) : link("behind", {})));
  const over = el("div", { class: "over" });
  return panel(called(row), { tools: [el("span", { class: `verdict ${sure}` }, VERDICT[sure] || sure)] },
    el("p", { class: "lead" }, row.sentence),
    el("p", { class: "fine" }, `Goal: ${row.goal || "none"}; ${row.arms[0]} against ${row.arms[1]}.`),
    people(row, link),
    bars.length ? figure(`lift-${row.slot || row.experiment}`, forest(`${called(row)}: difference in per cent`, bars, { format }), rows, table("Comparisons", columns, rows, { hideCaption: true }), [[`Change against ${row.arms[1]}; a bar is where it lies, sure at ${percent(1 - (row.comparisons[0]?.alpha ?? 0.05))} over all looks`, sure]]) : table("Comparisons", columns, rows),
    row.warnings?.length ? el("ul", { class: "warnings" }, row.warnings.map((w) => el("li", {}, w))) : null,
    row.segments?.length ? el("details", {}, el("summary", {}, "By the moment of a person's first decision"), el("ul", { class: "plain" }, row.segments.map((s) => el("li", {}, s.sentence)))) : null,
    row.guards?.length || row.novelty ? el("details", {}, el("summary", {}, "What must not rise, and whether it wears off"), el("ul", { class: "plain" }, [...(row.guards || []).map((g) => g.sentence), row.novelty?.sentence].filter(Boolean).map((s) => el("li", {}, s)))) : null,
    button("Show how the interval moved over time", () => into(over, () => course(row, reply, link), `Looking back ${LOOKS} times`)), over);
}

/** What can't be told: one line each, so that what can be stands out. */
function unproven(rows, link) {
  if (!rows.length) return null;
  return panel("Not proven", {}, el("ul", { class: "brief" }, rows.map((row) => el("li", { class: "same" }, el("b", {}, `${called(row)}: `), row.sentence, people(row, link)))));
}

const VERDICT = { higher: "sure: higher", lower: "sure: lower", unclear: "can't be told yet", early: "too early", doubtful: "not to be believed", none: "not compared" };

/** The decisions that put people into the arms of a comparison. */
const placed = (row, link) => link("behind", row.of === "slot" || !row.experiment ? { slot: row.slot } : { slot: row.slot, only: `experiment:${row.experiment}` });

function people(row, link) {
  const parts = Object.entries(row.people || {}).filter(([name]) => name !== "crossed").map(([name, n]) => `${whole(n)} ${name}`);
  return parts.length ? el("p", { class: "fine" }, "People: ", el("a", { href: placed(row, link), title: "The decisions that put them there" }, parts.join(", ")), ". ", el("a", { href: link("behind", {}) }, "The goals that are compared"), ".") : null;
}

/** The same question at earlier days: the intervals may be looked at as often as one likes, so the course is honest. */
async function course(row, reply, link) {
  const to = Date.parse(reply.to);
  const from = Math.max(Date.parse(reply.from), to - 365 * 86_400_000);
  const asked = Date.parse(reply.from) > 0 ? reply.from : "";
  const points = [];
  for (let n = 1; n <= LOOKS; n++) {
    const until = Math.round(from + ((to - from) * n) / LOOKS);
    const then = await report("lift", { from: asked, to: until, goal: row.goal });
    const same = then.rows.find((r) => r.of === row.of && r.slot === row.slot && r.experiment === row.experiment && r.proof && r.arms?.[0] === row.arms[0]);
    const c = same?.comparisons.find((one) => one.metric === "times") || same?.comparisons[0];
    if (c && c.low !== null && c.difference !== null) points.push({ x: until, y: c.difference, low: c.low, high: c.high, label: new Date(until).toISOString().slice(0, 10) });
  }
  if (points.length < 2) return empty("There weren't enough people earlier to draw a course.");
  const rows = points.map((p) => ({ until: p.label, difference: p.y, low: p.low, high: p.high }));
  const number = (v) => (Math.abs(v) >= 10 ? v.toFixed(0) : v.toFixed(3));
  return figure("lift-over-time", lines("Difference a person, with its interval", [{ name: "Difference", cls: "main", points }], { format: number }), rows, table("Over time", leads([{ name: "until" }, { name: "difference", num: true }, { name: "low", num: true }, { name: "high", num: true }], (r) => link("behind", { range: "", from: asked.slice(0, 10), to: r.until })), rows, { hideCaption: true }), [["Difference a person, and where it lies", "main"]]);
}
