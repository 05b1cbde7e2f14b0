// Who wants what more, or less, than everybody.

import { el, percent } from "../base.js";
import { bars, figure } from "../chart.js";
import { empty, figures, into, leads, led, panel, provenance, report, table } from "../frame.js";
import { controls, pick, stretch } from "../range.js";

export const title = "Who wants what";

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  const by = params.by || "channel";
  const split = pick("Split by", { channel: "channel", type: "moment", device: "device", place: "place", hour: "hour" }, by, (value) => go({ by: value }));
  view.append(controls(params, go, { more: [split] }), holder);
  return into(holder, async () => {
    const reply = await report("preferences", { ...stretch(params).own, by });
    if (!reply.rows.length) return panel("Who wants what", {}, figures(reply.figures, link("behind", {})), empty("Nothing that at least ten people of a part share, in this stretch."), provenance(reply));
    const parts = [...new Set(reply.rows.map((row) => row.part))];
    return [panel("Wanted more, or less, than by everybody", {}, figures(reply.figures, link("behind", {})), figure("preferences", unlike(reply.rows), reply.rows, columns(reply.rows, by, link), [["times everybody's share: more", "plain"], ["less", "less"]]), provenance(reply)), el("div", { class: "grid two" }, parts.slice(0, 8).map((part) => one(part, reply.rows.filter((row) => row.part === part), by, link)))];
  }, "Comparing");
}

function unlike(rows) {
  const sorted = [...rows].sort((a, b) => Math.abs(Math.log(b.index)) - Math.abs(Math.log(a.index)));
  const most = sorted.slice(0, 12).sort((a, b) => b.index - a.index);
  return bars("How many times as often as everybody", most.map((r) => ({ name: `${r.wanted}, ${r.part}`, value: r.index, words: `${r.index.toFixed(1)} times`, cls: r.index < 1 ? "less" : "plain" })), { format: (v) => v.toFixed(2) });
}

const wish = (r, by, link) => link("behind", { only: `wanted:${r.wanted}`, ...(by === "hour" ? {} : { [by]: r.part }) });

function columns(rows, by, link) {
  const shown = [
    { name: "part", title: by, show: (r) => (by === "hour" ? r.part : el("a", { href: link("behind", { [by]: r.part }) }, r.part)) }, { name: "wanted", title: "what" }, { name: "people", num: true, show: (r) => led(r.people, wish(r, by, link)) }, { name: "moments", num: true, show: (r) => led(r.moments, wish(r, by, link)) },
    { name: "share", title: "share here", num: true, show: (r) => percent(r.share, 1) }, { name: "share_of_all", title: "share of all", num: true, show: (r) => percent(r.share_of_all, 1) }, { name: "index", title: "times", num: true, show: (r) => r.index.toFixed(2) },
  ];
  return table("Preferences", leads(shown, (r) => wish(r, by, link)), rows, { hideCaption: true });
}

function one(part, rows, by, link) {
  const most = [...rows].sort((a, b) => b.share - a.share);
  const chart = bars(`What ${part} wants`, most.map((r) => ({ name: r.wanted, value: r.share, words: `${percent(r.share)}, all: ${percent(r.share_of_all)}` })), { most: 6, format: (v) => percent(v) });
  return panel(part, {}, figure(`preferences-${part}`, chart, most, table(part, leads([{ name: "wanted", title: "what" }, { name: "people", num: true }, { name: "share", num: true, show: (r) => percent(r.share, 1) }], (r) => wish(r, by, link)), most, { hideCaption: true })));
}
