// The cart and its one-step checkout: what, where to, how, how much, pay.

import { api, h, money, newKey, say, t } from "./base.js";
import { art, chosen, leftWords, shelf, title } from "./goods.js";
import { offersOf } from "./find.js";
import { banner, go } from "./shell.js";
import { draw, refresh, state } from "./app.js";

const CARDS = ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_answerLost"];
const FIELDS = [["name", "name"], ["street", "street-address"], ["postcode", "postal-code"], ["city", "address-level2"]];
const form = { delivery: "", address: null, card: "", offer: "", key: "", asked: "" };
let started = "";
let beside = { of: "", said: null };

export async function cart() {
  const { me } = state;
  if (!me.cart.length) return [h("h1", {}, t("tab.cart")), h("p", { class: "empty" }, t("cart.empty")), h("p", {}, h("a", { class: "plain", href: "#find" }, t("look.around")))];
  form.delivery ||= me.customer.delivery || "standard";
  form.address ||= { ...me.customer.address };
  form.card ||= me.customer.card || CARDS[0];
  const there = me.cart.map((l) => l.sku).join();
  if (started !== there) { started = there; api("events", { event: "Cart Viewed", properties: { cart_id: there.slice(0, 80), products: me.cart.length } }).catch(() => {}); }
  if (beside.of !== there) beside = { of: there, said: await api("with-cart").catch(() => null) };
  state.offers ??= await api("offers").catch(() => null);
  const quote = await priced();
  return [
    h("h1", {}, t("tab.cart")),
    h("ul", { class: "lines" }, me.cart.map(line)),
    offersOf(state.offers, (o) => { form.offer = form.offer === o.id ? "" : o.id; if (form.offer) api("events", { event: "Coupon Applied", properties: { coupon_id: o.gives } }).catch(() => {}); draw(); }, form.offer),
    checkout(quote), chosen("with.cart", beside.said),
  ];
}

function line(entry) {
  const { sku, quantity } = entry;
  const set = (n) => async () => { state.me.cart = await api("cart", { sku, quantity: n }).catch((wrong) => { banner(wrong.words); return state.me.cart; }); say(n ? t("now", { n, thing: title(sku) }) : t("removed", { thing: title(sku) })); draw(); };
  return h("li", {}, art(sku), h("span", { class: "name" }, h("a", { href: `#product/${sku}` }, title(sku)), h("span", { class: "fine" }, [money(shelf(sku).price), leftWords(sku)].filter(Boolean).join(" · "))),
    h("span", { class: "count-of" }, h("button", { type: "button", id: `less-${sku}`, class: "add", "aria-label": t("less", { thing: title(sku) }), onclick: set(quantity - 1) }, "−"), h("span", { "aria-label": t("pieces", { n: quantity }), role: "img" }, String(quantity)), h("button", { type: "button", id: `more-${sku}`, class: "add", disabled: quantity >= 20, "aria-label": t("one.more", { thing: title(sku) }), onclick: set(quantity + 1) }, "+")));
}

function wanted() {
  return { items: state.me.cart.map(({ sku, quantity }) => ({ sku, quantity })), delivery: form.delivery, address: form.address, card: form.card, offer: form.offer };
}

async function priced() {
  try { return await api("quote", wanted()); } catch (wrong) {
    if (!form.offer) throw wrong;
    form.offer = "";
    banner(wrong.words);
    return api("quote", wanted());
  }
}

function checkout(quote) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const begin = () => { if (!form.begun) { form.begun = true; api("events", { event: "Checkout Started", properties: { value: quote.total / 100, currency: "EUR" } }).catch(() => {}); } };
  const saved = Object.values(state.me.customer.address).every((x) => x);
  const fields = h("div", { class: "two" }, FIELDS.map(([name, auto]) => h("label", { class: "field" }, h("span", {}, t(`address.${name}`)), h("input", { id: `a-${name}`, autocomplete: auto, maxlength: "80", value: form.address[name], required: form.delivery !== "pickup", oninput: (e) => { form.address = { ...form.address, [name]: e.target.value }; begin(); } }))));
  const pay = async (e) => {
    e.preventDefault();
    begin();
    const button = document.getElementById("pay");
    if (button.disabled) return;
    button.disabled = true;
    const asked = { ...wanted(), total: quote.total };
    if (JSON.stringify(asked) !== form.asked) { form.asked = JSON.stringify(asked); form.key = newKey(); } // the same order again is the same order
    try {
      const placed = await api("orders", asked, form.key);
      Object.assign(form, { offer: "", key: "", asked: "", begun: false });
      await refresh();
      go(`order/${placed.id}`);
    } catch (no) {
      wrong.textContent = no.words;
      button.disabled = false;
      if (no.code === "price_changed" || no.code === "sold_out") { await refresh(); const words = no.words; await draw(); banner(words); }
    }
  };
  return h("form", { class: "card checkout", onsubmit: pay, "aria-labelledby": "checkout" }, h("h2", { id: "checkout" }, t("checkout")),
    h("fieldset", {}, h("legend", {}, t("delivery")), h("div", { class: "chips" }, Object.keys(state.facts.shipping).map((way) => h("label", {}, h("input", { type: "radio", name: "delivery", id: `d-${way}`, value: way, checked: form.delivery === way, onchange: () => { form.delivery = way; begin(); draw(); } }), h("span", {}, t(`delivery.${way}`), h("small", {}, ` ${way === "standard" && quote.lines.filter((l) => !l.sku.startsWith("delivery:")).reduce((n, l) => n + l.quantity * l.unit, 0) >= state.facts.freeFrom ? t("free") : state.facts.shipping[way] ? money(state.facts.shipping[way]) : t("free")}`)))))),
    form.delivery === "pickup" ? null : saved ? h("details", { open: false }, h("summary", {}, t("to", { address: FIELDS.map(([n]) => form.address[n]).join(", ") })), fields) : h("fieldset", {}, h("legend", {}, t("address")), fields),
    h("label", { class: "field" }, h("span", {}, t("card")), h("select", { id: "card", onchange: (e) => { form.card = e.target.value; begin(); } }, CARDS.map((c) => h("option", { value: c, selected: form.card === c }, t(`card.${c}`))))),
    receipt(quote), wrong, h("button", { class: "go pay", id: "pay" }, t("pay", { total: money(quote.total) })), h("p", { class: "fine" }, t("pay.sandbox")));
}

/** What it comes to. */
export function receipt(order) {
  const row = (name, amount, kind = "") => h("div", { class: kind }, h("dt", {}, name), h("dd", {}, amount));
  const brought = order.lines.find((l) => l.sku.startsWith("delivery:"));
  return h("dl", { class: "receipt" }, order.lines.filter((l) => l !== brought).map((l) => row(`${l.quantity} × ${title(l.sku)}`, money(l.quantity * l.unit))), brought ? row(t(`delivery.${brought.title}`), brought.unit ? money(brought.unit) : t("free")) : null, order.discount ? row(t(`offer.${order.gives}`), `−${money(order.discount)}`) : null, row(t("total"), money(order.total), "sum"), row(t("of.which.tax"), money(order.tax), "fine"));
}
