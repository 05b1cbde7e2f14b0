// What somebody would get, tried: as any person, place and time. Nothing is logged or reserved.

import { ask } from "../api.js";
import { el } from "../base.js";
import { failed, into, panel } from "../frame.js";
import { chosen, funnel, probabilities, refused, scored } from "./funnel.js";

export function preview() {
  const field = (name, label, more = {}) => el("label", {}, el("span", {}, label), el("input", { name, type: "text", ...more }));
  const form = el("form", { class: "fields" }, field("slot", "Slot", { value: "home", required: true }), field("query", "They type", { placeholder: "trail shoes near me" }), field("person", "As person", { placeholder: "nobody in particular" }), field("place", "Place", { placeholder: "52.52, 13.40", pattern: "\\s*-?[0-9.]+\\s*,\\s*-?[0-9.]+\\s*" }), field("at", "At", { type: "datetime-local" }), el("button", {}, "What would they get?"));
  const out = el("div", { class: "stack" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form));
    const [lat, lon] = given.place ? given.place.split(",").map(Number) : [];
    const context = { ...(given.query ? { query: given.query } : {}), ...(given.place ? { lat, lon } : {}) };
    into(out, async () => {
      try {
        const d = await ask("v1/preview", { slot: given.slot, person: given.person, context, ...(given.at ? { at: new Date(given.at).toISOString() } : {}) });
        return [d.moment ? probabilities(d.moment) : el("p", { class: "fine" }, "No moment is recognised."), funnel(d), chosen(d), el("h3", {}, "Refused"), refused(d), scored(d)];
      } catch (error) {
        return failed(error);
      }
    }, "Deciding");
  });
  return panel("Try it", { id: "try-preview" }, el("p", { class: "fine" }, "Decided as always, and neither logged nor reserved."), form, out);
}
