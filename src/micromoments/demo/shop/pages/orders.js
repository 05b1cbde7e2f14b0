// Orders: all of them, and one, from the warehouse to the door and back.

import { api, day, clock, h, money, newKey, say, t } from "./base.js";
import { good, title, toCart } from "./goods.js";
import { receipt } from "./cart.js";
import { banner, go } from "./shell.js";
import { draw, refresh, state } from "./app.js";

const WAY = { courier: ["paid", "packed", "shipped", "nearby", "done"], pickup: ["paid", "packed", "ready", "done"] };
const at = (o) => o.step && o.state === "tracking" ? o.step : o.state;

export async function orders() {
  const all = state.me.orders;
  return [h("h1", {}, t("tab.orders")), all.length ? h("ul", { class: "history" }, all.map((o) => h("li", {}, h("a", { href: `#order/${o.id}` }, h("span", {}, h("b", {}, o.number), ` · ${t(`step.${at(o)}`)}`), h("span", { class: "fine" }, `${day(o.at)} · ${money(o.total)}`))))) : h("p", { class: "empty" }, t("orders.none"))];
}

export async function order(id) {
  const o = await api(`orders/${id}`);
  const now = at(o);
  const way = WAY[o.flow];
  const reached = way.indexOf(now);
  return [
    h("h1", {}, t("order.number", { number: o.number })),
    h("section", { class: `card track ${now}`, "aria-labelledby": "where" }, h("h2", { id: "where" }, t(`step.${now}`)), h("p", {}, t(`step.${now}.text`)), o.state === "cart" ? declined(o) : null,
      reached >= 0 ? h("ol", { class: "steps" }, way.map((s, n) => h("li", { class: n <= reached ? "past" : "", "aria-current": n === reached ? "step" : null }, t(`step.${s}`)))) : null,
      h("p", { class: "fine" }, t("changed", { when: clock(o.changed) }), " ", t("carrier.simulated"))),
    h("div", { class: "row wrap" }, o.cancel ? h("button", { type: "button", id: "cancel", class: "plain", onclick: act(() => api(`orders/${id}/cancel`, {}), "cancelled") }, t("cancel.order")) : null,
      now === "ready" ? h("button", { type: "button", id: "collect", class: "go", onclick: act(() => api(`orders/${id}/collect`, {}), "collected") }, t("collect")) : null,
      o.state === "cart" ? null : h("button", { type: "button", id: "again", class: "plain", onclick: async () => { for (const l of o.lines.filter((x) => good(x.sku))) await toCart(l.sku, "", l.quantity).catch(() => {}); go("cart"); } }, t("buy.again"))),
    receipt(o), o.delivery !== "pickup" ? h("p", { class: "fine" }, t("to", { address: Object.values(o.address).join(", ") })) : null,
    o.returned?.card ? h("p", {}, t("paid.back", { amount: money(o.returned.card) })) : null,
    o.returns.map((r) => h("p", { class: "card" }, t(`return.${r.state}`, { amount: money(r.amount), things: Object.keys(r.pieces).map(title).join(", ") }))),
    o.state === "done" ? back(o) : null,
  ];
}

const act = (what, said) => async (e) => {
  e.currentTarget.disabled = true;
  try { await what(); say(t(said)); } catch (wrong) { banner(wrong.words); }
  await refresh();
  draw();
};

function declined(o) {
  return [h("p", { class: "wrong", role: "alert" }, t(`why.${o.why}`)), h("button", { type: "button", id: "retry", class: "go", onclick: act(() => api(`orders/${o.id}/retry`, { card: "pm_card_visa" }, newKey()), "paid") }, t("retry"))];
}

function back(o) {
  const gone = {};
  for (const r of o.returns) for (const [sku, n] of Object.entries(r.pieces)) gone[sku] = (gone[sku] ?? 0) + n;
  const may = o.lines.filter((l) => good(l.sku) && !good(l.sku).food && l.quantity > (gone[l.sku] ?? 0));
  if (!may.length) return null;
  const key = newKey(); // this form's: sent twice it is one return
  return h("details", { class: "card" }, h("summary", {}, t("send.back")), h("form", { onsubmit: async (e) => {
    e.preventDefault();
    const pieces = Object.fromEntries(may.map((l) => [l.sku, Number(e.target.elements[l.sku].value)]).filter(([, n]) => n > 0));
    try { await api(`orders/${o.id}/return`, { pieces, why: e.target.elements.why.value }, key); say(t("return.said")); await refresh(); draw(); } catch (wrong) { banner(wrong.words); }
  } }, may.map((l) => h("label", { class: "field" }, h("span", {}, title(l.sku)), h("select", { name: l.sku }, [...Array(l.quantity - (gone[l.sku] ?? 0) + 1).keys()].map((n) => h("option", { value: String(n) }, String(n)))))),
    h("label", { class: "field" }, h("span", {}, t("return.why")), h("select", { name: "why" }, ["liking", "broken", "other"].map((w) => h("option", { value: w }, t(`return.why.${w}`))))), h("button", { class: "plain" }, t("return.send"))));
}
