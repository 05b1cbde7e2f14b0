// Why something is shown, in a person's words: reasons, evidence, the chance that it had, and the switches that end it.

import { api, h, language, t } from "./base.js";
import { inWords } from "./phrases.js";
import { remember } from "./screen.js";

/** What the engine said in the person's language; ``name`` translates a title, ``before`` says whose reason it is. */
export function spoken(said, name = (title) => title, before = "") {
  const { words, lang } = inWords(said, language, name);
  return h("li", { lang }, before ? `${before}: ${words}` : words);
}

/** A dialog that gives the focus back, when it is closed, to where ``button`` is by then. */
export function ask(button, attributes, children, closed = () => {}) {
  const box = h("dialog", attributes, children);
  document.body.append(box);
  const back = remember(button);
  box.addEventListener("close", () => { box.remove(); closed(box); back(); });
  box.showModal();
  return box;
}

/**
 * Why a decision shows what it shows: all of it, or one ``item``. ``titles`` names an item before its reasons, ``name``
 * translates a title; ``off`` ends personalisation, ``not`` says that somebody isn't interested.
 */
export async function why(decision, button, { item = "", titles = () => "", name, off, not = null }) {
  const { said, explained } = await api(`why/${decision}`);
  const shown = item ? said.items.filter((one) => one.id === item) : said.items;
  const reasons = shown.flatMap((one) => (one.reasons ?? []).map((reason) => spoken(reason, name, titles(one))));
  const evidence = said.moment?.evidence ?? [];
  const chance = (item && shown[0]?.propensity) ?? said.propensity;
  const choice = (words, act) => h("button", { type: "button", class: "plain", onclick: async () => { await act(); box.close(); } }, words);
  const box = ask(button, { class: "why", "aria-labelledby": "why-title" }, [
    h("h2", { id: "why-title" }, t("why")),
    said.holdout || said.experiments?.some((one) => one.variant === "same") ? h("p", {}, t("why.holdout")) : null,
    said.degraded?.includes("no_consent") ? h("p", {}, t("why.general")) : null,
    reasons.length ? h("ul", {}, reasons) : null,
    evidence.length ? [h("p", {}, t("why.moment")), h("ul", {}, evidence.slice(0, 4).map((one) => spoken(one.text, name)))] : null,
    h("p", { class: "fine" }, t("why.chance", { n: Math.round(chance * 100), of: explained?.considered ?? "?" })),
    h("div", { class: "two" }, choice(t("why.off"), off), not ? choice(t("why.not"), not) : null),
    h("button", { type: "button", class: "go wide", onclick: () => box.close() }, t("close")),
  ]);
}
