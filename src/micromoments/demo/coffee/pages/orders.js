// Orders: one as it is made, live; its receipt; and all that were.

import { api, clock, day, h, money, newKey, say, t } from "./base.js";
import { banner } from "./shell.js";
import { lineWords } from "./words.js";
import { receipt } from "./bag.js";
import { draw, refresh, state } from "./app.js";

const STEPS = ["paid", "accepted", "making", "ready"];

export async function orders() {
  const mine = state.me.orders.filter((o) => o.flow === "");
  return [h("h1", {}, t("tab.orders")), mine.length ? h("ul", { class: "history" }, mine.map((o) => h("li", {}, h("a", { href: `#order/${o.id}` }, h("span", {}, h("b", {}, t("order.number", { number: o.number })), h("span", { class: "fine" }, ` ${day(o.at)} ${clock(o.at)}`), h("br", {}), o.lines.map(lineWords).join(", ")), h("span", { class: "far" }, h("b", {}, money(o.total)), h("span", { class: `state ${o.state}` }, t(`step.${o.step && o.state === "tracking" ? o.step : o.state}`))))))) : h("p", { class: "empty" }, t("orders.none"))];
}

export async function order(id) {
  const o = await api(`orders/${id}`);
  const store = state.stores.find((s) => s.id === o.store);
  const now = o.state === "tracking" ? o.step : o.state;
  const at = STEPS.indexOf(now);
  const cancel = h("button", { type: "button", class: "plain", onclick: async (e) => {
    e.currentTarget.disabled = true;
    try { await api(`orders/${id}/cancel`, {}); say(t("cancelled")); } catch (wrong) { banner(wrong.words); }
    await refresh();
    draw();
  } }, t("order.cancel"));
  return [
    h("h1", {}, t("order.number", { number: o.number })),
    h("section", { class: `card track ${now}`, "aria-labelledby": "now" }, h("h2", { id: "now" }, t(`step.${now}`)), h("p", {}, t(`step.${now}.text`, { store: store?.title || "", when: o.due ? clock(o.due) : "" })),
      at >= 0 || now === "done" ? h("ol", { class: "steps" }, STEPS.map((s, n) => h("li", { class: n <= at || now === "done" ? "past" : "", "aria-current": n === at ? "step" : null }, h("span", {}, t(`step.${s}`))))) : null),
    o.state === "cart" ? again(o) : null,
    o.state === "cancelled" && o.why === "bar" ? h("p", {}, t("cancelled.bar")) : null,
    Object.values(o.returned).some(Boolean) ? h("p", { class: "using" }, t("returned", { n: money(Object.values(o.returned).reduce((a, b) => a + b, 0)) })) : null,
    h("ul", { class: "lines" }, o.lines.map((l) => h("li", {}, h("span", {}, lineWords(l)), h("span", {}, money(l.quantity * l.unit))))),
    receipt(o),
    o.cancel ? cancel : o.state === "tracking" ? h("p", { class: "fine" }, t("cancel.late")) : null,
  ].filter(Boolean);
}

/** The payment failed: another card for the same order, or leave it. */
function again(o) {
  const key = newKey();
  return h("section", { class: "card", "aria-labelledby": "again" }, h("h2", { id: "again" }, t(`why.${o.why}`)), h("p", {}, t("again.text")), h("button", { type: "button", class: "go", onclick: async (e) => {
    e.currentTarget.disabled = true;
    try {
      const placed = await api(`orders/${o.id}/retry`, { card: "pm_card_visa" }, key);
      if (placed.state !== "cart") { state.bag = []; sessionStorage.removeItem("coffee-bag"); }
    } catch (wrong) { banner(wrong.words); }
    await refresh();
    draw();
  } }, t("again.card")));
}
