// The bag and how it is paid: time, tip, stars, stored value, card. The total is the server's.

import { api, clock, h, money, newKey, say, t } from "./base.js";
import { swap, untouched } from "./screen.js";
import { banner, go } from "./shell.js";
import { lineWords } from "./words.js";
import { keepBag, look, refresh, state } from "./app.js";

const CARDS = ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_answerLost"];
const choice = { tip: 0, pickup: "", stored: false, stars: false, card: localStorage.getItem("coffee-card") || CARDS[0] };
let key = newKey();

function wanted(quote) {
  const { purse } = state.me;
  const most = quote ? Math.min(purse.stars, quote.subtotal - quote.discount) : 0;
  return {
    store: state.store, items: state.bag, tip: choice.tip, pickup: choice.pickup ? Number(choice.pickup) : null,
    card: choice.card, stored: choice.stored, stars: choice.stars && most >= 50 ? most : 0, offer: state.offer,
  };
}

export async function bag() {
  if (!state.bag.length) return [h("h1", {}, t("bag")), h("p", { class: "empty" }, t("bag.empty")), h("a", { class: "go", href: "#" }, t("bag.look"))];
  await look();
  const box = h("div", {});
  await fill(box);
  return [h("h1", {}, t("bag")), box];
}

async function fill(box) {
  const mine = (box.turn = (box.turn ?? 0) + 1);
  let quote;
  let wrong = "";
  try {
    quote = await api("quote", wanted());
    if (choice.stars) quote = await api("quote", wanted(quote));
  } catch (trouble) {
    wrong = trouble.words;
  }
  const again = () => { key = newKey(); return fill(box); };
  const store = state.stores.find((s) => s.id === state.store);
  const now = Date.now();
  const first = Math.ceil((now + (store.wait + 5) * 60000) / 900000) * 900000;
  const times = store.open ? [...Array(12).keys()].map((n) => first + n * 900000).filter((at) => at < store.until) : [...Array(12).keys()].map((n) => (store.opens || first) + n * 900000 + 600000);
  const { purse } = state.me;
  const offer = state.offers.offers.find((o) => o.id === state.offer);
  const radio = (name, value, label, on, change) => h("label", {}, h("input", { type: "radio", name, value: String(value), checked: on, onchange: change }), h("span", {}, label));
  const check = (label, on, able, change) => h("label", { class: "check" }, h("input", { type: "checkbox", checked: on, disabled: !able, onchange: (e) => change(e.target.checked) }), h("span", {}, label));
  await untouched();
  if (mine !== box.turn) return; // something was changed meanwhile
  swap(box, [
    h("ul", { class: "lines" }, state.bag.map((line, n) => h("li", {}, h("span", {}, lineWords(line)),
      h("span", { class: "row" }, h("button", { type: "button", id: `less-${n}`, class: "add", "aria-label": t("less", { thing: lineWords(line) }), onclick: () => { line.quantity -= 1; if (!line.quantity) state.bag.splice(n, 1); keepBag(); state.bag.length ? again() : go(""); } }, "−"), h("button", { type: "button", id: `more-${n}`, class: "add", "aria-label": t("more", { thing: lineWords(line) }), onclick: () => { line.quantity += 1; keepBag(); again(); } }, "+"))))),
    h("p", { class: "fine" }, `${store.title} · ${t("walk", { n: store.walk })}`),
    h("label", { class: "field" }, h("span", {}, t("pickup")), h("select", { id: "pickup", onchange: (e) => { choice.pickup = e.target.value; again(); } }, store.open ? h("option", { value: "" }, t("pickup.now", { n: store.wait })) : null, times.map((at) => h("option", { value: String(at), selected: choice.pickup === String(at) }, clock(at))))),
    h("fieldset", {}, h("legend", {}, t("tip")), h("div", { class: "chips" }, [0, 50, 100, 200].map((n) => radio("tip", n, n ? money(n) : t("tip.none"), choice.tip === n, () => { choice.tip = n; again(); })))),
    h("fieldset", {}, h("legend", {}, t("pay")),
      check(t("pay.stars", { n: purse.stars, worth: money(purse.stars) }), choice.stars, purse.stars >= 50, (on) => { choice.stars = on; again(); }),
      check(t("pay.stored", { n: money(purse.stored) }), choice.stored, purse.stored > 0, (on) => { choice.stored = on; again(); }),
      h("label", { class: "field" }, h("span", {}, t("pay.card")), h("select", { id: "card", onchange: (e) => { choice.card = e.target.value; localStorage.setItem("coffee-card", choice.card); again(); } }, CARDS.map((c) => h("option", { value: c, selected: c === choice.card }, t(`card.${c}`))))), h("p", { class: "fine" }, t("pay.sandbox"))),
    offer ? h("p", { class: "using" }, t("offer.using", { offer: t(`offer.${offer.gives}`) }), " ", h("button", { type: "button", class: "quiet", onclick: () => { state.offer = ""; again(); } }, t("offer.remove"))) : null,
    wrong ? h("p", { class: "wrong", role: "alert" }, wrong) : receipt(quote),
    h("button", { type: "button", class: "go pay", id: "pay", disabled: !quote, onclick: (e) => pay(e.currentTarget, quote) }, quote ? t("pay.now", { total: money(quote.total) }) : t("pay.not")),
  ]);
}

async function pay(button, quote) {
  button.disabled = true;
  button.textContent = t("paying");
  try {
    const placed = await api("orders", { ...wanted(quote), stars: quote.stars, total: quote.total }, key);
    key = newKey();
    await refresh();
    if (placed.state === "cart") {
      const card = t(`why.${placed.why}`);
      banner(card);
      say(card);
      return go(`order/${placed.id}`);
    }
    state.bag = [];
    state.offer = "";
    state.things = null;
    choice.tip = 0;
    choice.stars = false;
    keepBag();
    go(`order/${placed.id}`);
  } catch (wrong) {
    banner(wrong.words);
    say(wrong.words);
    button.disabled = false;
    button.textContent = t("pay.now", { total: money(quote.total) });
    if (["price_changed", "offer_expired", "offer_used", "sold_out", "closed"].includes(wrong.code)) key = newKey();
  }
}

export function receipt(order) {
  const row = (name, value, cls = "") => h("div", { class: cls }, h("dt", {}, name), h("dd", {}, value));
  return h("dl", { class: "receipt" }, row(t("subtotal"), money(order.subtotal)),
    order.discount ? row(t(`offer.${order.gives}`), `−${money(order.discount)}`) : null, order.tip ? row(t("tip"), money(order.tip)) : null,
    row(t("total"), money(order.total), "sum"), row(t("tax"), money(order.tax), "fine"),
    order.stars ? row(t("by.stars", { n: order.stars }), money(order.stars)) : null, order.stored ? row(t("by.stored"), money(order.stored)) : null, order.card ? row(t("by.card"), money(order.card)) : null,
    order.earn ? row(t("earn"), t("stars", { n: order.earn }), "earn") : null);
}
