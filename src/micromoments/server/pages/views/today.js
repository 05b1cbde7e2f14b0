// The morning's page: what moved by more than chance, what to do about it, what is proven, and whether the numbers can be trusted.

import { ask } from "../api.js";
import { el, mark, percent, whole } from "../base.js";
import { ago, counted, empty, figureOf, figures, into, money, panel, provenance, report, shown } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "Today";
const WATCHED = [
  ["be_there", "Be there", { only: "served:yes" }], ["goals_preceded", "Goals that a served moment preceded", {}],
  ["useful", "Be useful", { only: "ended:fulfilled" }], ["goals_per_person", "Goals per active person", {}],
  ["crossed", "Connect the dots", { only: "crossed:yes" }],
];
/** Standard errors from which on a difference is told: five figures are looked at, so chance makes one of them move in one morning of twenty. */
const SURE = 2.576;
const HOW = "Moved means: by more than 2.6 standard errors, each moment and each goal taken for one draw, which chance does in one of a hundred figures. It is a sign where to look; proof is under Experiments.";
const STALE = 3_600_000;

export function show(view, params, go, onward) {
  const asked = params.range || params.from || params.to ? params : { ...params, range: "24h" };
  const link = (to, extra, fresh) => onward(to, { range: asked.range, ...extra }, fresh); // the stretch that is looked at goes along
  const holder = el("div", { class: "stack" });
  view.append(controls(asked, go, { parts: [] }), holder);
  return into(holder, async () => {
    const { own, before, words } = stretch({ ...asked, type: "", channel: "", device: "", place: "" });
    const [now, then, missed, worth, lift, quality, dead] = await Promise.all([
      report("scorecards", own), before ? report("scorecards", before) : null, report("missed", own), report("worth", own),
      report("lift", { from: own.from, to: own.to }), report("quality", { from: own.from, to: own.to }),
      ask("v1/deliveries?status=dead&limit=100").catch(() => ({ deliveries: [] }))]);
    if (!figureOf(now, "be_there")?.of && !figureOf(now, "goals_per_person")?.of) {
      return [empty(now.as_of ? `Nobody came in this stretch. The newest fact came ${ago(now.as_of)}.` : "Nothing was sent yet: the first event to /v1/track shows here within seconds.",
        now.as_of ? el("button", { type: "button", onclick: () => go({ range: "all", from: "", to: "" }) }, "Look at everything") : null), provenance(now)];
    }
    return [
      panel("What moved", {}, ...moved(now, then, words, link), el("p", { class: "fine" }, HOW), provenance(now)),
      el("div", { class: "grid two" },
        panel("What to do", {}, list([...unmet(worth, link), ...cause(missed, link)]), provenance(worth)),
        panel("What is proven", {}, list(proven(lift, link)), provenance(lift))),
      panel("Can we trust it?", {}, list(trust(now, quality, dead.deliveries, link)), provenance(quality)),
    ];
  }, "Reading the morning");
}

const list = (lines) => el("ul", { class: "brief" }, lines.map(([sign, ...said]) => el("li", { class: sign }, said)));
const led = (href, words) => el("a", { href, title: "What is behind this number" }, words);

/** How many standard errors two figures are apart: of shares by what both pool, of goals a person as spread as a geometric draw. */
export function apart(a, b) {
  if (!a?.of || !b?.of) return 0;
  const pooled = (a.count + b.count) / (a.of + b.of);
  const error = a.unit === "share" ? Math.sqrt(pooled * (1 - pooled) * (1 / a.of + 1 / b.of)) : Math.sqrt((a.value * (1 + a.value)) / a.of + (b.value * (1 + b.value)) / b.of);
  return error ? (a.value - b.value) / error : 0;
}

function moved(now, then, words, link) {
  const begun = then && now.since && Date.parse(now.since) > Date.parse(then.from) + STALE;
  const watched = WATCHED.map(([name, called, behind]) => ({ called, behind, a: figureOf(now, name), b: then && !begun && figureOf(then, name) })).filter(({ a }) => a?.of);
  const told = watched.filter(({ a, b }) => b && Math.abs(apart(a, b)) >= SURE);
  const still = watched.filter((one) => !told.includes(one));
  const lines = told.map(({ called, behind, a, b }) => [a.value > b.value ? "better" : "worse", el("b", {}, called), ` ${a.value > b.value ? "rose" : "fell"} from ${shown(b)} to `, led(link("behind", behind), shown(a)), el("small", {}, ` ${a.title}: ${counted(a)}; ${words} ${counted(b)}. More than chance does.`)]);
  if (!told.length) lines.push(["same", then && !begun ? `Nothing moved by more than chance against ${words}.` : "There is no whole stretch before it to compare with."]);
  return [list(lines), figures(still.map(({ called, a }) => ({ ...a, title: called, how: null })), Object.fromEntries(still.map(({ a, behind }) => [a.name, link("behind", behind)])))];
}

function unmet(reply, link) {
  const rows = reply.rows.filter((row) => row.high).slice(0, 3);
  if (!rows.length) return [["same", "No unmet need that ten people share was followed by a goal with a value. ", el("a", { href: link("unmet", {}) }, "Unmet moments")]];
  return rows.map((r) => ["todo", mark(r.type, 14), el("b", {}, ` ${r.need}`), " went unmet for ", led(link("behind", { need: r.need, type: r.type }), `${whole(r.people)} people`), `: may be worth ${money(r.low, r.currency)} to ${money(r.high, r.currency)}, if serving adds what is assumed. `, el("a", { href: link("draft", { need: r.need, kind: r.type }, true), "aria-label": `Draft for ${r.need}` }, "Draft an answer")]);
}

/** What most moments were missed for; people are held out on purpose, so that isn't one. */
function cause(reply, link) {
  const all = figureOf(reply, "missed");
  const most = reply.figures.filter((f) => f.title.startsWith("Missed: ") && f.name !== "held_out").sort((a, b) => b.count - a.count)[0];
  if (!all?.count || !most?.count) return [["good", "No moment that is over was missed, but by those held out."]];
  const name = most.title.replace("Missed: ", "");
  const meaning = reply.rows.find((row) => row.cause === name)?.meaning;
  return [["todo", "Of ", led(link("missed", {}), `${whole(all.count)} missed moments`), " ", led(link("behind", { cause: name }), percent(most.value)), ` were “${name}”${meaning ? `: ${meaning}` : ""}.`]];
}

function proven(reply, link) {
  const rows = reply.rows.filter((row) => row.primary !== false);
  const sure = rows.filter((row) => ["higher", "lower"].includes(row.comparisons[0]?.verdict));
  const open = rows.length - sure.length;
  const lines = sure.map((row) => [row.comparisons[0].verdict === "higher" ? "better" : "worse", row.sentence]);
  if (!sure.length) lines.push(["same", rows.length ? "Nothing is sure yet in this stretch alone: a longer one may tell." : "No decision in this stretch, so there is nothing to compare."]);
  return [...lines, ["same", el("a", { href: link("experiments", {}) }, open && sure.length ? `${whole(open)} more can't be told yet` : "All comparisons")]];
}

function trust(now, quality, dead, link) {
  const lines = [];
  const stale = now.as_of && Date.now() - Date.parse(now.as_of) > STALE;
  lines.push(stale ? ["worse", `The newest fact came ${ago(now.as_of)}: does everything still send? `, el("a", { href: link("health", {}) }, "Health")] : ["good", `The newest fact came ${ago(now.as_of)}.`]);
  const marked = [["late", "of the events came over five minutes late"], ["uncounted", "are left out of every report: bots, own people, tests"], ["unmatched", "of the outcomes name no open decision"]];
  for (const [name, words] of marked) {
    const f = figureOf(quality, name);
    if (f?.value > 0.05) lines.push(["worse", led(link("health", {}), percent(f.value)), ` ${words}.`]);
  }
  if (dead.length) lines.push(["worse", led(link("deliveries", { status: "dead" }, true), dead.length < 100 ? `${whole(dead.length)} dead letters` : "100 dead letters or more"), " wait to be sent again."]);
  return lines;
}
