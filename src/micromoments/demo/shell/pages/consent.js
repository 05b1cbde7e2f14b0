// What may be used: asked once with both answers alike, and switches that end it at any time.

import { h, say, t } from "./base.js";

/** The question; nothing personal happens before it was answered with yes. ``answered`` keeps what was said. */
export function question(answered) {
  const choice = (yes) => h("button", { type: "button", class: "plain", onclick: async () => { await answered(yes); say(t(yes ? "consent.on" : "consent.off")); } }, t(yes ? "consent.yes" : "consent.no"));
  return h("section", { class: "card ask", "aria-labelledby": "ask" }, h("h2", { id: "ask" }, t("consent.title")), h("p", {}, t("consent.text")), h("div", { class: "two" }, choice(false), choice(true)));
}

/** A switch a purpose; ``flip`` keeps all of them as they are then. */
export function switches(purposes, consent, flip) {
  const told = (name) => async (event) => {
    const on = event.target.checked;
    await flip({ ...Object.fromEntries(purposes.map((one) => [one, false])), ...consent, [name]: on }, name);
    say(t(on ? "switched.on" : "switched.off", { what: t(`consent.${name}`) }));
  };
  return purposes.map((name) => h("label", { class: "switch" }, h("span", {}, h("b", {}, t(`consent.${name}`)), h("span", { class: "fine" }, t(`consent.${name}.text`))), h("input", { id: `consent-${name}`, type: "checkbox", role: "switch", checked: consent?.[name] === true, onchange: told(name) })));
}
