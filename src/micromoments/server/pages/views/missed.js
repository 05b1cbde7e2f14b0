// Moments in which nothing was served: why, when, and which.

import { TYPES, el, mark, percent, whole } from "../base.js";
import { bars, figure, stacks } from "../chart.js";
import { csvButton, dayOf, empty, figureOf, figures, into, leads, led, panel, provenance, report, table } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "Missed moments";
/** Causes in the order in which they are looked for, with the colour of each and what helps. */
const CAUSES = {
  "no item": ["c1", "Draft what was missing under Unmet"], "not asked": ["c2", "Ask for a decision where these people are"], "too late": ["c3", "Ask sooner: see how quick you are on the scorecards"],
  cap: ["c4", "Look at caps and budgets in the settings"], consent: ["c5", "These people said no; leave them be"], "held out": ["c6", "Wanted: they prove what serving is worth"],
};

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(controls(params, go), holder);
  return into(holder, async () => {
    const { own, before, words } = stretch(params);
    const [now, then, days] = await Promise.all([report("missed", own), before ? report("missed", before) : null, report("missed", { ...own, by: "day" })]);
    const share = figureOf(now, "missed");
    if (!share?.of) return [empty("No moment of this stretch is over yet."), provenance(now)];
    return [el("div", { class: "grid two" }, why(now, then, words, link), el("div", { class: "stack" }, course(days, go, link), kinds(now, link)))];
  }, "Looking for the causes");
}

/** The rows of a cause, over all types. */
function summed(rows) {
  const found = new Map();
  for (const row of rows.filter((r) => r.cause in CAUSES)) {
    const one = found.get(row.cause) || { cause: row.cause, meaning: row.meaning, count: 0 };
    one.count += row.count;
    found.set(row.cause, one);
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

function why(now, then, words, link) {
  const [share, anchor, before] = [figureOf(now, "missed"), figureOf(now, "not_recognised"), then && figureOf(then, "missed")];
  const rows = summed(now.rows);
  const lead = rows.length ? `Nothing was served in ${percent(share.value)} of the moments that are over. The first cause: ${rows[0].meaning}.` : "Something was served in every moment that is over.";
  const against = words && before?.of && then.since && Date.parse(then.since) <= Date.parse(then.from) + 3_600_000 ? ` It was ${percent(before.value)} in ${words}.` : "";
  const chart = rows.length ? bars("Moments missed, by cause", rows.map((r) => ({ name: r.cause, value: r.count, cls: CAUSES[r.cause][0], words: `${whole(r.count)} (${percent(r.count / share.count)})`, row: r })), { onPick: (r) => (location.hash = link("behind", { cause: r.name })) }) : null;
  const columns = [{ name: "cause", show: (r) => el("a", { href: link("behind", { cause: r.cause }) }, r.cause) }, { name: "meaning" }, { name: "count", title: "moments", num: true, show: (r) => led(r.count, link("behind", { cause: r.cause })) }, { name: "helps", title: "what helps", show: (r) => (r.cause === "no item" ? el("a", { href: link("unmet", {}) }, CAUSES[r.cause][1]) : CAUSES[r.cause][1]) }];
  return panel("Why", {}, el("p", { class: "lead" }, lead + against), figures([share, figureOf(now, "over"), anchor].filter(Boolean), { missed: link("behind", {}), over: link("behind", {}), not_recognised: link("behind", {}) }),
    chart ? figure("missed", chart, rows, table("Causes", columns.slice(0, 3), rows, { hideCaption: true })) : null, rows.length ? table("What they mean, and what helps", [columns[0], columns[1], columns[3]], rows, { hideCaption: true }) : null, provenance(now));
}

function course(days, go, link) {
  const at = (day) => Date.parse(`${day}T00:00:00Z`);
  const names = Object.keys(CAUSES).filter((cause) => days.rows.some((r) => r.cause === cause));
  const by = new Map();
  for (const row of days.rows.filter((r) => r.cause in CAUSES)) {
    const one = by.get(row.part) || { label: row.part, x: at(row.part), parts: {} };
    one.parts[row.cause] = (one.parts[row.cause] || 0) + row.count;
    by.set(row.part, one);
  }
  const points = [...by.values()].sort((a, b) => a.x - b.x);
  const chart = points.length > 1 ? stacks("Moments missed by day and cause", points, names.map((n) => [n, CAUSES[n][0]]), { onPick: (p) => go({ from: p.label, to: new Date(p.end + 86_400_000).toISOString().slice(0, 10), range: "" }) }) : null;
  const rows = points.map((p) => ({ day: p.label, ...p.parts }));
  return panel("By day", {}, figure("missed-by-day", chart, rows, table("Missed by day", leads([{ name: "day" }, ...names.map((name) => ({ name, num: true, show: (r) => r[name] ?? 0 }))], (r, cause) => link("behind", { ...dayOf(r.day), cause })), rows, { hideCaption: true }), names.map((n) => [n, CAUSES[n][0]])), provenance(days));
}

/** Causes down, types across; each number leads to the moments that it counts. */
function kinds(now, link) {
  const rows = summed(now.rows);
  const of = (cause, type) => now.rows.find((r) => r.cause === cause && r.type === type)?.count ?? 0;
  const columns = [{ name: "cause" }, ...Object.keys(TYPES).map((type) => ({ name: type, title: el("span", { class: "typed" }, mark(type, 14), type), num: true, show: (r) => (of(r.cause, type) ? el("a", { href: link("behind", { type, cause: r.cause }) }, whole(of(r.cause, type))) : 0) }))];
  const flat = rows.map((r) => ({ cause: r.cause, ...Object.fromEntries(Object.keys(TYPES).map((type) => [type, of(r.cause, type)])) }));
  return panel("By type of moment", { tools: rows.length ? [csvButton("missed-by-type", flat)] : [] }, rows.length ? table("Missed by cause and type", columns, rows, { hideCaption: true }) : empty("None were missed."));
}
