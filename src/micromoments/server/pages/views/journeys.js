// Which moment follows which, over which channels, after how long, and where people stop.

import { el, lasting, mark, percent, whole } from "../base.js";
import { figure } from "../chart.js";
import { empty, figureOf, figures, into, leads, led, panel, provenance, report, table } from "../frame.js";
import { controls, stretch } from "../range.js";
import { sankey } from "../sankey.js";

export const title = "Journeys";
const ENDS = { fulfilled: "got what they wanted", left: "left", "went on": "went on" };

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(controls(params, go), holder);
  return into(holder, async () => {
    const reply = await report("journeys", stretch(params).own);
    const [nodes, links] = ["node", "link"].map((of) => reply.rows.filter((row) => row.of === of));
    if (!links.length) return [panel("Journeys", {}, figures(reply.figures, link("behind", {})), empty("No step that at least ten people share, in this stretch."), provenance(reply))];
    return [paths(reply, nodes, links, link), steps(nodes, link)];
  }, "Following people from moment to moment");
}

/** "2 buy web" in words. */
const spoken = (id) => ENDS[id] || id.replace(/^\d+ /, "");

function paths(reply, nodes, links, link) {
  const [journeys, longer] = [figureOf(reply, "journeys"), figureOf(reply, "longer")];
  const top = links.filter((l) => !(l.target in ENDS)).sort((a, b) => b.count - a.count)[0];
  const lead = `${whole(journeys.count)} journeys; ${percent(longer.value)} of them have more than one moment.${top ? ` The most frequent step on: from ${spoken(top.source)} to ${spoken(top.target)}, after ${lasting(3600 * top.median_hours)} for half of them.` : ""}`;
  const from = (l) => link("behind", { type: spoken(l.source).split(" ")[0], channel: spoken(l.source).split(" ")[1] });
  const columns = [
    { name: "step", num: true }, { name: "source", title: "from", show: (l) => spoken(l.source) }, { name: "target", title: "to", show: (l) => spoken(l.target) }, { name: "people", num: true, show: (l) => led(l.people, from(l)) },
    { name: "count", title: "times", num: true, show: (l) => led(l.count, from(l)) }, { name: "median_hours", title: "half of them within", num: true, show: (l) => (l.median_hours === null ? null : lasting(3600 * l.median_hours)) },
  ];
  const drawn = sankey("Journeys, step by step", nodes, links, spoken);
  return panel("From moment to moment", {}, el("p", { class: "lead" }, lead), figures(reply.figures, link("behind", {})),
    figure("journeys", drawn, links, table("Steps", leads(columns, from), links, { hideCaption: true })),
    el("p", { class: "fine" }, "Columns are the first five moments of a journey; a band is as thick as the times it was walked. Choose a moment to follow its bands. What is seldom is gathered under “others”; the table has every step that ten people share."), provenance(reply));
}

function steps(nodes, link) {
  const step = (name) => link("behind", { type: name.split(" ")[0], channel: name.split(" ")[1] });
  const columns = [
    { name: "step", num: true }, { name: "name", title: "moment", show: (n) => el("a", { class: "typed", href: link("behind", { type: n.name.split(" ")[0], channel: n.name.split(" ")[1] }) }, mark(n.name.split(" ")[0], 14), n.name) },
    { name: "moments", num: true, show: (n) => led(n.moments, step(n.name)) }, { name: "people", num: true, show: (n) => led(n.people, step(n.name)) }, { name: "fulfilled", title: "got what they wanted", num: true, show: (n) => percent(n.fulfilled / n.moments) }, { name: "drop_off", title: "left here", num: true, show: (n) => percent(n.drop_off) },
  ];
  return panel("Where people stop", {}, table("Moments by step", leads(columns, (n, name) => link("behind", { type: n.name.split(" ")[0], channel: n.name.split(" ")[1], only: name === "fulfilled" ? "ended:fulfilled" : "" })), nodes, { hideCaption: true, most: 16 }));
}
