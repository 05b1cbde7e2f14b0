// Pain points: searched in vain, tried again and again, clicked in anger or into nothing, given up.

import { el, mark, whole } from "../base.js";
import { bars, figure } from "../chart.js";
import { bar, csvButton, empty, figures, into, leads, led, panel, provenance, report, table } from "../frame.js";
import { controls, stretch } from "../range.js";

export const title = "Pain points";
const CLICKS = { rage: "in anger", dead: "into nothing" };

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(controls(params, go), holder);
  return into(holder, async () => {
    const reply = await report("pain", stretch(params).own);
    const of = (kind) => reply.rows.filter((row) => row.of === kind);
    return [panel("In this stretch", {}, figures(reply.figures, { given_up: link("behind", { only: "ended:gone" }), no_results: "searched-in-vain", again: "tried-again", angry: "clicks", dead: "clicks" }), provenance(reply)), el("div", { class: "grid two" }, vain(of("search"), link), again(of("again"), link)), left(of("abandoned"), link), clicks(of("click"), link)];
  }, "Looking for where it hurts");
}

const drafted = (link) => ({ name: "draft", title: "act on it", show: (r) => el("a", { href: link("draft", { need: r.need }, true), "aria-label": `Draft for ${r.need}` }, "Draft") });

/** Words with a bar as long as the people are many. */
function worded(caption, file, rows, more, none, link) {
  const top = Math.max(...rows.map((r) => r.people), 1);
  const columns = leads([{ name: "need", title: "words" }, { name: "people", lead: true, show: (r) => bar(r.people / top, whole(r.people)) }, ...more], (r) => link("behind", { need: r.need }));
  return panel(caption, { id: file, tools: rows.length ? [csvButton(file, rows)] : [] }, rows.length ? table(caption, columns, rows, { hideCaption: true, most: 15 }) : empty(none));
}

const vain = (rows, link) => worded("Searched in vain", "searched-in-vain", rows, [{ name: "vain", title: "in vain", num: true }, { name: "searches", title: "of", num: true, show: (r) => led(r.searches, link("behind", { need: r.need })) }, drafted(link)], "No words that at least ten people searched in vain.", link);

const again = (rows, link) => worded("Tried again and again", "tried-again", rows, [{ name: "searches", num: true, show: (r) => led(r.searches, link("behind", { need: r.need })) }, drafted(link)], "No words that at least ten people searched three times within an hour.", link);

function left(rows, link) {
  const top = Math.max(...rows.map((r) => r.count), 1);
  const place = (r, only) => link("behind", { type: r.type, channel: r.channel, only });
  const columns = leads([
    { name: "type", title: "moment", show: (r) => el("a", { class: "typed", href: link("behind", { type: r.type, channel: r.channel }) }, mark(r.type, 14), r.type) }, { name: "channel" }, { name: "stage", title: "how far" },
    { name: "count", title: "given up or run out", lead: true, show: (r) => bar(r.count / top, whole(r.count), r.type) }, { name: "abandoned", title: "given up", num: true, show: (r) => led(r.abandoned, place(r, "ended:abandoned")) }, { name: "expired", title: "run out", num: true, show: (r) => led(r.expired, place(r, "ended:expired")) }, { name: "opened", num: true, show: (r) => led(r.opened, place(r)) }, { name: "people", num: true, show: (r) => led(r.people, place(r, "ended:gone")) },
  ], (r) => place(r, "ended:gone"));
  return panel("Where moments are given up", { tools: rows.length ? [csvButton("given-up", rows)] : [] }, rows.length ? table("Given up or run out, by where", columns, rows, { hideCaption: true, most: 20 }) : empty("Nothing of this that at least ten people share."));
}

function clicks(rows, link) {
  const columns = leads([{ name: "what", title: "clicks", show: (r) => CLICKS[r.what] }, { name: "item", title: "on" }, { name: "channel" }, { name: "people", num: true }, { name: "count", title: "times", num: true, show: (r) => led(r.count, link("behind", { only: `click:${r.what}`, channel: r.channel })) }], (r) => link("behind", { only: `click:${r.what}`, channel: r.channel }));
  const chart = rows.length ? bars("Clicks in anger and into nothing, by people", rows.map((r) => ({ name: `${r.item || "somewhere"}, ${CLICKS[r.what]}`, value: r.people }))) : null;
  return panel("Clicks in anger and into nothing", { id: "clicks" }, rows.length ? figure("clicks", chart, rows, table("Clicks in anger and into nothing", columns, rows, { hideCaption: true })) : empty("None that at least ten people share. The browser SDK tells them by itself; other trackers send them as “Rage Click” or “Dead Click”."));
}
