// Rewards, stored value; and what the app knows of you, with its switches, and a phone that walks by.

import { api, day, h, money, newKey, say, t } from "./base.js";
import { switches } from "./consent.js";
import { orderUsual } from "./home.js";
import { banner } from "./shell.js";
import { spoken } from "./why.js";
import { lineWords } from "./words.js";
import { askOffers, draw, refresh, state } from "./app.js";

export async function rewards() {
  const { purse } = state.me;
  const least = { green: 0, gold: 400, black: 1500 };
  const full = purse.next ? least[purse.next.tier] - least[purse.tier] : 1;
  const done = purse.next ? full - purse.next.stars : 1;
  return [
    h("h1", {}, t("tab.rewards")),
    h("section", { class: `card tier ${purse.tier}`, "aria-label": t("tier") }, h("p", { class: "big" }, h("b", {}, String(purse.stars)), " ", t("stars.word")), h("p", {}, t("tier.is", { tier: t(`tier.${purse.tier}`) })),
      purse.next ? [h("progress", { max: full, value: done, "aria-label": t("tier.next", { n: purse.next.stars, tier: t(`tier.${purse.next.tier}`) }) }), h("p", {}, t("tier.next", { n: purse.next.stars, tier: t(`tier.${purse.next.tier}`) }))] : null,
      purse.expires ? h("p", {}, t("expire", { n: purse.expiring, when: day(purse.expires) })) : null),
    h("ul", { class: "rules" }, ["rule.earn", "rule.spend", "rule.expire", "rule.birthday"].map((r) => h("li", {}, t(r)))),
    h("section", { "aria-labelledby": "stored" }, h("h2", { id: "stored" }, t("stored")), h("p", { class: "big" }, h("b", {}, money(purse.stored))),
      h("div", { class: "three" }, [1000, 2000, 5000].map((n) => h("button", { type: "button", class: "plain", onclick: async (e) => {
        const buttons = [...e.currentTarget.parentElement.children];
        buttons.forEach((b) => { b.disabled = true; });
        try {
          const said = await api("top-ups", { amount: n, card: localStorage.getItem("coffee-card") || "pm_card_visa" }, newKey());
          if (said.state === "cart") banner(t(`why.${said.why}`)); else say(t("added.stored", { n: money(n) }));
        } catch (wrong) { banner(wrong.words); }
        await refresh();
        draw();
      } }, `+ ${money(n)}`)))),
  ];
}

export async function you() {
  const { customer } = state.me;
  const consent = customer.consent || {};
  const flip = async (all, name) => {
    await api("me", { consent: all });
    await refresh();
    if (name === "personalise") await askOffers();
    draw();
  };
  const [month, date] = (customer.birthday || "-").split("-");
  const born = async () => {
    const [m, d] = [document.getElementById("month").value, document.getElementById("day").value];
    try { await api("me", { name: document.getElementById("name").value, birthday: m && d ? `${m}-${d}` : "" }); await refresh(); say(t("kept")); draw(); } catch (wrong) { banner(wrong.words); }
  };
  const numbers = (n) => [...Array(n).keys()].map((i) => String(i + 1).padStart(2, "0"));
  return [
    h("h1", {}, t("tab.you")),
    h("form", { class: "card", onsubmit: (e) => { e.preventDefault(); born(); } }, h("label", { class: "field" }, h("span", {}, t("name")), h("input", { id: "name", maxlength: "40", autocomplete: "given-name", value: customer.name })),
      h("fieldset", { class: "born" }, h("legend", {}, t("birthday")), h("label", {}, h("span", {}, t("month")), h("select", { id: "month" }, h("option", { value: "" }, "–"), numbers(12).map((n) => h("option", { selected: n === month }, n)))), h("label", {}, h("span", {}, t("day")), h("select", { id: "day" }, h("option", { value: "" }, "–"), numbers(31).map((n) => h("option", { selected: n === date }, n))))),
      h("button", { class: "plain" }, t("keep"))),
    h("section", { class: "card", "aria-labelledby": "privacy" }, h("h2", { id: "privacy" }, t("privacy")),
      switches(["personalise", "location", "contact", "measure"], consent, flip)),
    phone(consent),
  ];
}

/** A phone that walks past a store; labelled as made up, as browsers give no position in the background. */
function phone(consent) {
  const out = h("div", { class: "told", role: "status" });
  const near = state.me.usual ? state.stores.find((s) => s.id === state.me.usual.store) : state.stores[0];
  const walk = async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    out.replaceChildren(h("p", {}, t("phone.walking")));
    try {
      let said;
      for (const far of [300, 140, 60]) {
        said = await api("walk", { x: near.x + far, y: near.y, speed: 1.3 });
        if (said.offer) break;
      }
      const moment = said.moments[0];
      out.replaceChildren(
        h("p", {}, t("phone.at", { n: said.near.metres, store: said.near.title })),
        moment ? h("div", {}, h("p", {}, t("phone.moment", { type: t(`moment.${moment.type}`) })), h("ul", { class: "fine" }, (moment.evidence || []).slice(0, 2).map((e) => spoken(e.text)))) : h("p", {}, t("phone.none")),
        said.offer ? push(said.offer) : h("p", {}, t(state.me.usual ? "phone.quiet" : "phone.order.first")));
    } catch (wrong) { out.replaceChildren(h("p", { class: "wrong" }, wrong.words)); }
    button.disabled = false;
  };
  return h("section", { class: "card phone", "aria-labelledby": "phone" }, h("p", { class: "badge" }, t("phone.badge")), h("h2", { id: "phone" }, t("phone")), h("p", {}, t("phone.text")), h("button", { type: "button", class: "plain", disabled: !consent.location, onclick: walk }, t("phone.walk", { store: near.title.replace("Alder Coffee, ", "") })), consent.location ? null : h("p", { class: "fine" }, t("phone.consent")), out);
}

function push(offer) {
  return h("div", { class: "push" }, h("b", {}, "Alder Coffee"), h("p", {}, t("push", { things: offer.usual.items.map(lineWords).join(", "), n: offer.store.walk })),
    h("div", { class: "two" }, h("button", { type: "button", class: "plain", onclick: async (e) => { await api("outcomes", { decisionId: offer.decisionId, what: "dismissed" }); e.target.closest(".push").remove(); } }, t("push.no")), h("button", { type: "button", class: "go", onclick: (e) => orderUsual(e.currentTarget, offer.decisionId) }, t("push.yes"))));
}
