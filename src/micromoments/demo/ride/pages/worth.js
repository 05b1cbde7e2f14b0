// What the suggestions are worth: hours in which the whole town switched, beside what a test by person would have claimed.

import { api, h, percent, t } from "./base.js";

const share = (n) => percent(n, true);
const VERDICT = { higher: "worth.more", lower: "worth.less", unclear: "worth.unclear" };

function claim(name, said) {
  return h("div", {}, h("dt", {}, t(`worth.${name}`)), said
    ? h("dd", {}, h("b", {}, t(VERDICT[said.verdict] ?? "worth.unclear", { by: share(said.by) })), h("span", { class: "fine" }, t("worth.between", { low: share(said.low), high: share(said.high) })))
    : h("dd", {}, t("worth.early")));
}

export async function worth() {
  const { slots, away } = await api("worth");
  return [
    h("h1", {}, t("worth")), h("p", {}, t("worth.text")), away ? h("p", { class: "empty" }, t("worth.away")) : null,
    slots.map((one) => h("section", { class: "card", "aria-labelledby": one.slot }, h("h2", { id: one.slot }, t(`worth.${one.slot}`)), h("dl", { class: "claims" },
      claim("hours", one.hours), claim("people", one.people), one.truth === null ? null : h("div", {}, h("dt", {}, t("worth.truth")), h("dd", {}, h("b", {}, share(one.truth)), h("span", { class: "fine" }, t("worth.truth.text"))))))),
    h("p", { class: "fine" }, t("worth.why")), h("p", {}, h("a", { href: "#you" }, t("tab.you"))),
  ];
}
