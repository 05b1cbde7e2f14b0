// The four scorecards: each with its anchored figure, the period before, its course over time, and what it is made of.

import { ask } from "../api.js";
import { el, lasting, percent } from "../base.js";
import { figure, lines } from "../chart.js";
import { counted, csvButton, dayOf, empty, figureOf, into, leads, panel, provenance, report, shown, table, when } from "../frame.js";
import { controls, pick, stretch } from "../range.js";

export const title = "Scorecards";
const CARDS = [
  { key: "be there", name: "Be there", asks: "Of the moments our people had, how many did we serve?", head: "be_there", anchor: "goals_preceded" },
  { key: "be useful", name: "Be useful", asks: "Of those, how many acted and got what they wanted?", head: "useful", anchor: "goals_per_person" },
  { key: "be quick", name: "Be quick", asks: "How long from the moment to our answer?", head: "moment_to_decision", anchor: "to_goal", less: true },
  { key: "connect the dots", name: "Connect the dots", asks: "How many moments went over to another channel or device?", head: "crossed", anchor: "goals_across" },
];

/** Which moments stand behind a figure; of the others, all of the stretch. */
const BEHIND = { be_there: { only: "served:yes" }, acted_on: { only: "served:yes" }, fulfilled: { only: "ended:fulfilled" }, useful: { only: "ended:fulfilled" }, moment_to_decision: { only: "served:yes" }, decision_to_fulfilment: { only: "ended:fulfilled" }, crossed: { only: "crossed:yes" }, crossed_fulfilled: { only: "crossed:yes" }, single_fulfilled: { only: "crossed:no" } };

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  const by = params.by || "type";
  const split = pick("Split by", { type: "moment", channel: "channel", device: "device", place: "place", hour: "hour" }, by, (value) => go({ by: value }));
  view.append(controls(params, go, { more: [split] }), holder);
  return into(holder, async () => {
    const { own, before, words } = stretch(params);
    const [now, then, days, parts, versions] = await Promise.all([
      report("scorecards", own), before ? report("scorecards", before) : null, report("scorecards", { ...own, by: "day" }),
      report("scorecards", { ...own, by }), ask("v1/config").catch(() => ({ versions: [] }))]);
    const whole = then && now.since && Date.parse(now.since) <= Date.parse(then.from) + 3_600_000;
    const breaks = [versions.versions, versions.models ?? []].flatMap((list) => list.slice(0, -1).map((v) => v.at)).filter(Boolean);
    if (!figureOf(now, "be_there")?.of && !figureOf(now, "goals_per_person")?.of) return nothing(now, go);
    return [
      el("div", { class: "cards four" }, CARDS.map((card) => scorecard(card, now, whole ? then : null, whole ? words : "", link))),
      provenance(now),
      then && !whole ? el("p", { class: "fine" }, `Not compared with ${words}: facts begin on ${when(now.since)}, so it isn't whole.`) : null,
      el("div", { class: "grid two" }, CARDS.map((card) => course(card, days, breaks, go, link))),
      breakdown(parts, by, go, link),
    ];
  }, "Counting");
}

function nothing(reply, go) {
  const newest = reply.as_of ? `The newest fact is of ${reply.as_of.slice(0, 10)}.` : "Nothing was sent yet: the first event to /v1/track shows here within seconds.";
  return [empty(`No moments in this stretch. ${newest}`, reply.as_of ? el("button", { type: "button", onclick: () => go({ range: "all", from: "", to: "" }) }, "Show everything") : null), provenance(reply)];
}

function scorecard(card, now, then, words, link) {
  const [head, anchor] = [figureOf(now, card.head), figureOf(now, card.anchor)];
  const rest = now.figures.filter((f) => f.card === card.key && f !== head && !f.anchored);
  return el("article", { class: "score", "data-card": card.head },
    el("h2", {}, card.name),
    el("p", { class: "asks" }, card.asks),
    el("p", { class: "value" }, el("a", { href: link("behind", BEHIND[card.head] ?? {}), title: "What is behind this number", "data-figure": card.head }, shown(head))),
    el("p", { class: "says" }, `${head?.title ?? ""}: ${counted(head)}`),
    change(head, then && figureOf(then, card.head), words, card.less),
    rest.length ? el("dl", {}, rest.map((f) => [el("dt", {}, f.title, el("small", {}, ` ${counted(f)}`)), el("dd", {}, el("a", { href: link("behind", BEHIND[f.name] ?? {}), title: "What is behind this number" }, shown(f)))])) : null,
    anchor ? el("div", { class: "anchor" }, el("p", {}, el("span", { class: "anchor-mark", "aria-hidden": "true" }, "⚓ "), el("b", {}, el("a", { href: link("behind", {}), title: "The goals behind this number" }, shown(anchor))), ` ${anchor.title}`),
      el("p", { class: "fine" }, `${counted(anchor)}. Recognition can't move this one.`), then && figureOf(then, card.anchor)?.value ? change(anchor, figureOf(then, card.anchor), words, card.less) : null) : null);
}

/** The difference to the period before, in points or in per cent. */
function change(figureNow, figureThen, words, less) {
  if (!words) return null;
  const [a, b] = [figureNow?.value, figureThen?.value];
  if (a === null || a === undefined || b === null || b === undefined) return el("p", { class: "change" }, `No data in ${words}.`);
  const difference = a - b;
  const size = figureNow.unit === "share" ? `${Math.abs(100 * difference).toFixed(1)} points` : b ? percent(Math.abs(difference / b)) : lasting(Math.abs(difference) / 1000);
  const same = figureNow.unit === "share" ? Math.abs(difference) < 0.0005 : Math.abs(difference) < 0.005 * Math.abs(b || 1);
  const better = less ? difference < 0 : difference > 0;
  return el("p", { class: `change ${same ? "" : better ? "better" : "worse"}` }, same ? `as in ${words}` : `${difference > 0 ? "▲" : "▼"} ${size} against ${words}`);
}

function course(card, days, breaks, go, link) {
  const of = (name) => days.rows.map((row) => {
    const f = row.figures.find((one) => one.name === name);
    return { x: Date.parse(`${row.part}T00:00:00Z`), y: f?.value ?? null, label: row.part, counted: f ? counted(f) : "" };
  });
  const head = of(card.head);
  const anchor = of(card.anchor);
  const unit = days.rows[0]?.figures.find((one) => one.name === card.head)?.unit;
  const format = (v) => (unit === "share" ? percent(v, v && v < 0.1 ? 1 : 0) : v ? lasting(v / 1000) : "0");
  const together = unit === "share" && card.anchor !== "goals_per_person";
  const series = [{ name: card.name, cls: "main", points: head }, ...(together ? [{ name: "Anchored", cls: "anchored", points: anchor }] : [])];
  const pickDay = (p) => go(dayOf(p.label));
  const chart = lines(`${card.name} by day`, series, { format, breaks, onPick: pickDay });
  const rows = days.rows.map((row, n) => ({ day: row.part, value: head[n].y, counts: head[n].counted, anchored: anchor[n].y }));
  const columns = [{ name: "day" }, { name: "value", num: true, show: (r) => (r.value === null ? null : format(r.value)) }, { name: "counts", num: true }, { name: "anchored", num: true, show: (r) => (r.anchored === null ? null : together ? percent(r.anchored, 1) : r.anchored.toFixed(2)) }];
  return panel(`${card.name} by day`, {}, figure(card.name.toLowerCase().replaceAll(" ", "-"), chart, rows, table(`${card.name} by day`, leads(columns, (r, name) => link("behind", { ...dayOf(r.day), ...(name === "anchored" ? {} : BEHIND[card.head]) })), rows, { hideCaption: true }), together ? [[card.name, "main"], ["Anchored, recognition can't move it", "anchored"]] : [[card.name, "main"]]));
}

function breakdown(parts, by, go, link) {
  const names = CARDS.flatMap((c) => [c.head, c.anchor]).filter((name) => parts.rows.some((row) => row.figures.some((f) => f.name === name)));
  const titles = new Map(parts.rows.flatMap((row) => row.figures.map((f) => [f.name, f.title])));
  const columns = [
    { name: "part", title: by, show: (row) => el("a", { href: link("behind", by === "hour" ? {} : { [by]: row.part }) }, row.part) },
    ...names.map((name) => ({ name, title: titles.get(name), num: true, show: (row) => {
      const f = row.figures.find((one) => one.name === name);
      const part = by === "hour" ? {} : { [by]: row.part };
      return f ? el("span", {}, el("a", { href: link("behind", { ...part, ...BEHIND[name] }), title: "What is behind this number" }, shown(f)), el("small", {}, ` ${counted(f)}`)) : null;
    } })),
  ];
  const flat = parts.rows.map((row) => ({ [by]: row.part, ...Object.fromEntries(row.figures.map((f) => [f.name, f.value])) }));
  return panel(`By ${by}`, { tools: [csvButton(`scorecards-by-${by}`, flat)] }, parts.rows.length ? table(`Scorecards by ${by}`, columns, parts.rows, { hideCaption: true }) : empty("Nothing to split."));
}
