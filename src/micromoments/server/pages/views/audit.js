// Who changed what, and who looked at whom.

import { ask } from "../api.js";
import { el } from "../base.js";
import { button, csvButton, empty, into, panel, table, when } from "../frame.js";
import { text } from "../range.js";

export const title = "Audit log";

export function show(view, params, go) {
  const holder = el("div", { class: "stack" });
  view.append(el("div", { class: "controls", role: "group", "aria-label": "What to look at" }, text("Words", params.words, (words) => go({ words, cursor: "" })), text("About person", params.person, (person) => go({ person, cursor: "" }))), holder);
  return into(holder, async () => {
    const query = new URLSearchParams(Object.entries({ limit: "100", containing: params.words || "", person: params.person || "", cursor: params.cursor || "" }).filter(([, v]) => v));
    const { entries, cursor } = await ask(`v1/audit?${query}`);
    if (!entries.length) return empty("Nothing yet. Each change by a door, and each look at a person, stands here.");
    const columns = [{ name: "number", title: "no.", num: true }, { name: "at", title: "when", show: (e) => when(e.at) }, { name: "who", show: (e) => (e.name ? `${e.name} (${e.who})` : e.who) }, { name: "what" }, { name: "target", title: "at", show: (e) => el("span", { class: "mono" }, e.target || "–") }, { name: "detail", show: (e) => (e.detail ? el("span", { class: "mono" }, e.detail.slice(0, 120)) : null) }];
    return panel("Every change, and every look at a person", { tools: [csvButton("audit", entries)] }, table("Audit log, the newest first", columns, entries, { hideCaption: true }), el("p", { class: "fine" }, "The newest 200,000 are kept, on disk before what they tell of is answered. People are named by four letters and a digest, so an erasure leaves nobody here."),
      el("div", { class: "acts" }, params.cursor ? button("The newest", () => go({ cursor: "" })) : null, cursor ? button("Older", () => go({ cursor })) : null));
  }, "Reading");
}
