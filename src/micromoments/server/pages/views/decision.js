// The receipt of one decision: the evidence on a time line, what was refused and why, what came of it; wrong, and stop.

import { ask } from "../api.js";
import { TYPES, el, lasting, needOf } from "../base.js";
import { button, confirmed, empty, into, masked, panel, report, save, toast, when } from "../frame.js";
import { chosen, funnel, probabilities, refused, scored } from "./funnel.js";

export const title = "Moment receipt";

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  view.append(holder);
  if (!params.id) return holder.append(empty("No decision was named.", el("a", { href: link("decisions", {}, true) }, "To the decisions")));
  return into(holder, async () => {
    const id = encodeURIComponent(params.id);
    const [d, came] = await Promise.all([ask(`v1/decisions/${id}`), report("receipt", { decision: params.id }).catch(() => ({ rows: [] }))]);
    return [headline(d, link), panel("What led to it, and what came of it", {}, timeline(d, came.rows)), panel("From considered to chosen", {}, funnel(d), chosen(d), el("h3", {}, "What was refused, and why"), refused(d), scored(d)), unused(d)];
  }, "Opening the receipt");
}

function headline(d, link) {
  const m = d.moment;
  const said = m ? `Somebody who ${TYPES[m.type]?.says || "was looking around"}` : "Somebody in no particular moment";
  const need = m && needOf(m);
  return panel("In short", { tools: [button("Save as JSON", () => save(`${d.decisionId}.json`, JSON.stringify(d, null, 2), "application/json"), "quiet small")] },
    el("p", { class: "lead" }, `${said}${need ? `: “${need}”` : ""} was ${d.items.length ? `served “${d.items[0].title}”` : "served nothing"} in ${d.slot}${d.holdout ? ", held out for comparison" : ""}.`),
    m ? probabilities(m) : null,
    el("dl", { class: "facts" }, [
      ["When", when(d.at)], ["Person", el("span", {}, masked(d.key), " ", el("a", { href: link("people", { id: d.key }, true) }, "look at them (this is logged)"))], ["Slot", `${d.slot}, ${d.mode}`],
      ["Policy", `${d.policy.name}, having learned from ${d.policy.version} outcomes`], ["Settings", el("span", { class: "mono" }, String(d.configVersion).slice(0, 19))],
      ["Experiments", d.experiments.map((e) => `${e.key}: ${e.variant}`).join(", ") || "none"], ["Decision", el("span", { class: "mono" }, d.decisionId)],
    ].map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
    el("div", { class: "acts" }, m ? el("details", { class: "menu" }, el("summary", {}, "This moment was wrong"), el("div", { class: "acts" }, [...Object.keys(TYPES).filter((t) => t !== m.type), "none"].map((type) => button(TYPES[type]?.says || "no moment at all", () => wrong(d, type))))) : null,
      button("Stop personalising for this person", () => stop(d), "danger")));
}

async function wrong(d, type) {
  try {
    await ask(`v1/decisions/${encodeURIComponent(d.decisionId)}/correct`, { type });
    toast("Noted: the moment was wrong, and what was served counts as dismissed.");
  } catch (error) {
    toast(error.message, true);
  }
}

async function stop(d) {
  if (!(await confirmed("From now on this person gets the general list, and what they do opens no moment.", { action: "Stop personalising" }))) return;
  try {
    await ask(`v1/decisions/${encodeURIComponent(d.decisionId)}/stop`, {});
    toast("Personalisation is off for this person.");
  } catch (error) {
    toast(error.message, true);
  }
}

function timeline(d, rows) {
  const events = (d.moment?.evidence || []).map((e) => [e.at, `seen ${e.type}`, e.text, `speaks for ${e.type} with ${e.weight.toFixed(2)} nats`]);
  if (d.moment) events.push([d.moment.openedAt, "opened", `the moment opened, ${d.moment.type}`, ""]);
  events.push([d.at, "decided", d.items.length ? `we served ${d.items.map((i) => i.title).join(", ")}` : "we had nothing to serve", `${d.considered} considered, ${d.refused.length} refused`]);
  for (const r of rows) {
    if (r.of === "outcome") events.push([Date.parse(r.at), `came ${r.what}`, r.what === "goal" ? `goal reached: ${r.goal}` : r.what, r.reward === null || r.reward === undefined ? "" : `learned as ${Number(r.reward).toFixed(2)}`]);
    else if (r.ended) events.push([r.ended_at, `ended ${r.ended}`, `the moment ended: ${r.ended}`, ""]);
  }
  if (d.moment && !rows.some((r) => r.of === "moment" && r.ended)) events.push([d.moment.expiresAt, "waits", "until here it would last", ""]);
  events.sort((a, b) => a[0] - b[0]);
  const first = events[0]?.[0] ?? d.at;
  return el("ol", { class: "timeline" }, events.map(([at, cls, words, more]) => el("li", { class: cls }, el("time", { datetime: new Date(at).toISOString(), title: when(at) }, at === first ? when(at, true) : `+${lasting((at - first) / 1000)}`), el("span", {}, words, more ? el("small", {}, ` ${more}`) : null))));
}

function unused(d) {
  const lines = [...d.degraded.map((one) => `Left out or fallen back: ${one.replaceAll("_", " ")}.`), ...(d.rules || []).map((rule) => `The merchandiser's rule ${rule} touched it.`)];
  if (d.would?.length) lines.push(`The policy would have served ${d.would.join(", ")}.`);
  return panel("What was not used", {}, lines.length ? el("ul", { class: "plain" }, lines.map((line) => el("li", {}, line))) : el("p", { class: "fine" }, "Nothing was left out: consent, data and the policy were all there."));
}
