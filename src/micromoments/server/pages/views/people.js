// One person: found by id, masked until asked, one time line across devices; export and erase. Each look is logged.

import { ask } from "../api.js";
import { TYPES, el, evidenceOf, mark, needOf, percent } from "../base.js";
import { button, confirmed, empty, into, masked, panel, save, table, toast, when } from "../frame.js";

export const title = "People";

export function show(view, params, go, link) {
  const input = el("input", { id: "person-id", type: "text", value: params.id || "", placeholder: "a userId, or anon:visitor-id", autocomplete: "off", spellcheck: "false", required: true });
  const form = el("form", { class: "find", role: "search" }, el("label", { for: "person-id" }, "Find a person by id"), input, el("button", {}, "Look"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim() === params.id) look();
    else go({ id: input.value.trim() });
  });
  const holder = el("div", { class: "stack" });
  view.append(form, el("p", { class: "fine" }, "Each look is written into the ", el("a", { href: link("audit", {}, true) }, "audit log"), ". Ids and words stay masked until you ask for them."), holder);
  const look = () => into(holder, () => person(params.id, link, () => holder.replaceChildren(empty("Erased."))), "Looking");
  return params.id ? look() : holder.append(empty("Nobody is shown until you name somebody. Ids come from your own systems, or from a decision's receipt."));
}

async function person(id, link, gone) {
  const path = `v1/people/${encodeURIComponent(id)}`;
  const { moments } = await ask(`${path}/moments?history=1`);
  const open = moments.filter((m) => !m.ended);
  const ended = moments.filter((m) => m.ended);
  const held = el("div", { class: "stack" });
  const state = { clear: false };
  const lists = el("div", { class: "grid two" });
  const draw = () => lists.replaceChildren(momentsOf("Open moments", open, state.clear), momentsOf("Past moments", ended, state.clear));
  draw();
  const reveal = button("Show words and ids", () => {
    state.clear = !state.clear;
    reveal.textContent = state.clear ? "Mask again" : "Show words and ids";
    name.textContent = state.clear ? id : masked(id);
    draw();
    if (held.firstChild) held.firstChild.dispatchEvent(new CustomEvent("mask", { detail: state.clear }));
  });
  const name = el("b", { class: "mono" }, masked(id));
  return [
    panel("Who", {}, el("p", {}, name), el("p", { class: "fine" }, moments.length ? `${open.length} open and ${ended.length} past moments are kept.` : "No moment of anybody by this id is kept: is it a user id, or a visitor's (anon:…)?"),
      el("div", { class: "acts" }, reveal,
        button("Show one time line", () => into(held, async () => whole(await ask(`${path}/export`), state, link), "Reading all that is held")),
        button("Export", async () => save("person.json", JSON.stringify(await ask(`${path}/export`), null, 2), "application/json")),
        button("Erase", () => erase(path, id, gone), "danger"))),
    lists, held,
  ];
}

async function erase(path, id, gone) {
  const word = id.replace(/^(user|anon):/, "").slice(0, 4);
  if (!(await confirmed("Erasing removes this person from state, log and facts, on all their devices. It can't be undone.", { action: "Erase them", word }))) return;
  try {
    const { erased } = await ask(path, undefined, "DELETE");
    toast(`Erased: ${Object.entries(erased).map(([what, n]) => `${n} ${what}`).join(", ") || "nothing was held"}.`);
    gone();
  } catch (error) {
    toast(error.message, true);
  }
}

function momentsOf(name, moments, clear) {
  return panel(name, {}, moments.length ? el("ol", { class: "moments" }, moments.slice(0, 50).map((m) => el("li", { class: `card ${m.type}` },
    el("div", { class: "line" }, mark(m.type, 18), el("p", {}, TYPES[m.type]?.says || m.type), el("span", { class: "sure" }, percent(m.probabilities[m.type]))),
    el("p", { class: "need" }, clear ? needOf(m) || "not said" : "•••••"),
    clear ? el("ul", { class: "why" }, evidenceOf(m).slice(0, 4).map((e) => el("li", {}, e.text))) : null,
    el("p", { class: "fine" }, `${when(m.openedAt)}, on ${m.channels.join(", ") || "an unknown channel"}${m.ended ? `, ${m.ended}` : ""}`)))) : empty(name === "Open moments" ? "None now." : "None kept."));
}

/** Everything in the order in which it happened, with the device and id that it came from. */
function whole(held, state, link) {
  const rows = [
    ...held.events.map(({ receivedAt, event }) => ({ at: receivedAt, kind: "event", what: event.event || event.name || event.type, more: event.properties?.query || event.properties?.name || "", on: event.context?.device?.type || event.channel || "", by: event.userId ? `user:${event.userId}` : `anon:${event.anonymousId}` })),
    ...held.decisions.map((d) => ({ at: d.at, kind: "decision", what: `served in ${d.slot}`, more: d.items?.[0]?.title || "nothing", on: d.channel || "", by: d.key, id: d.id || d.decisionId })),
    ...held.moments.map((m) => ({ at: m.opened_at ?? m.openedAt, kind: "moment", what: `moment of ${m.type ?? ""} opened`, more: "", on: "", by: "" })),
  ].filter((row) => row.at).sort((a, b) => b.at - a.at);
  const holder = el("div", {});
  const draw = () => holder.replaceChildren(panel(`One time line over ${held.ids.length} ${held.ids.length === 1 ? "id" : "ids"}`, {},
    el("p", { class: "fine" }, `Ids: ${held.ids.map((one) => (state.clear ? one : masked(one))).join(", ")}. Consent: ${Object.entries(held.consent).map(([k, v]) => `${k} ${v ? "yes" : "no"}`).join(", ") || "not asked"}.`),
    rows.length ? table("Time line, the newest first", [{ name: "at", title: "when", show: (r) => when(r.at) }, { name: "kind" }, { name: "what" }, { name: "more", title: "words", show: (r) => (r.more ? (state.clear ? r.more : "•••••") : null) }, { name: "on", title: "device" }, { name: "by", title: "id", show: (r) => (r.by ? (state.clear ? r.by : masked(r.by)) : null) },
      { name: "id", title: "receipt", show: (r) => (r.id ? el("a", { href: link("decision", { id: r.id }, true) }, "open") : null) }], rows, { hideCaption: true }) : empty("No events are in the log any more; older ones are in the facts, without ids.")));
  holder.addEventListener("mask", draw);
  draw();
  return holder;
}
