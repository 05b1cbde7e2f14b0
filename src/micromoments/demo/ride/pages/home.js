// Where to: the map with cars near you, the shelf, recent places, search; then kinds of ride with their prices.

import { api, clock, h, metres, minutes, money, newKey, say, t } from "./base.js";
import { question } from "./consent.js";
import { streetAt } from "./map.js";
import { swap, untouched } from "./screen.js";
import { banner, go, soon } from "./shell.js";
import { why } from "./why.js";
import { OPEN, draw, refresh, stand, state } from "./app.js";

let timer = 0;
const askAgain = () => { state.shelf = null; draw(); };

export async function home() {
  const open = state.me.rides.find(OPEN);
  const consent = state.me.customer.consent;
  const words = h("ul", { class: "words", "aria-label": t("map.words") });
  state.map.ways(null, null);
  state.map.stand(state.here);
  state.map.fit([state.here], 1100);
  clearInterval(timer);
  const look = async () => {
    if (!words.isConnected && words.childElementCount) return clearInterval(timer);
    const { cars, waits } = await api(`cars?x=${state.here[0]}&y=${state.here[1]}`).catch(() => ({ cars: [], waits: {} }));
    if (!["", "#"].includes(location.hash)) return clearInterval(timer);
    state.map.show(cars);
    const best = Math.min(...Object.values(waits).filter((w) => w !== null));
    words.replaceChildren(h("li", {}, t("you.at", { street: state.title || streetAt(state.town.plan, state.here) })), h("li", {}, Number.isFinite(best) ? t("cars.near", { n: cars.length, minutes: minutes(best), street: cars[0] ? streetAt(state.town.plan, [cars[0].x, cars[0].y]) : "" }) : t("cars.none")));
  };
  timer = setInterval(look, 2000);
  await look();
  if (!state.shelf) state.shelf = await api(`shelf?x=${state.here[0]}&y=${state.here[1]}`).catch(() => ({ destinations: [], away: true }));
  if (state.shelf.away) soon(askAgain);
  const spots = state.town.spots;
  return [
    h("div", { class: "stage" }, state.map.svg),
    h("h1", { class: "hello" }, state.me.customer.name ? t("hello.name", { name: state.me.customer.name }) : t("hello")),
    open ? h("a", { class: "go wide", href: `#ride/${open.id}` }, t("ride.back")) : null,
    h("a", { class: "where", href: "#to" }, t("where.to")),
    words,
    consent ? null : question(agreed),
    homeward(),
    shelf(),
    named(),
    h("section", { "aria-labelledby": "stand" }, h("label", { class: "field" }, h("span", { id: "stand" }, t("stand")), h("select", { id: "stand-at", onchange: (event) => { const spot = spots.find((s) => s.id === event.target.value); if (spot) stand(spot.at, spot.title); } }, h("option", { value: "" }, t("stand.here")), spots.map((s) => h("option", { value: s.id, selected: s.title === state.title }, s.title))))),
  ];
}

async function agreed(yes) {
  await api("me", { consent: { personalise: yes, location: yes, contact: false, measure: yes } });
  await refresh();
  state.shelf = null;
  draw(true);
}

/** Whether this is what everybody gets, as the hour or the person is one of those that the others are held against. */
const same = (found) => (found.experiments ?? []).some((one) => one.variant === "same");

let told = "";
const seen = (decision) => { if (decision && told !== decision) { told = decision; api("outcomes", { decisionId: decision, what: "seen" }).catch(() => {}); } };

function choose(end, decision = "", item = "") {
  if (decision) api("outcomes", { decisionId: decision, what: "clicked", itemId: item }).catch(() => {});
  state.end = { end, decision, item };
  go("price");
}

function homeward() {
  const offer = state.shelf?.home;
  if (!offer) return null;
  queueMicrotask(() => seen(offer.decisionId));
  return h("section", { class: "card homeward", "aria-labelledby": "homeward" }, h("div", {}, h("h2", { id: "homeward" }, t("home.from.here")), h("button", { type: "button", class: "quiet", onclick: (e) => explain(offer, offer.item, e.currentTarget) }, t("why"))), h("button", { type: "button", class: "go", onclick: () => choose({ at: offer.to.at, title: offer.to.title || t("home") }, offer.decisionId, offer.item) }, t("home.go")));
}

function shelf() {
  const found = state.shelf;
  if (!found?.destinations.length) return null;
  queueMicrotask(() => seen(found.decisionId));
  const general = !state.me.customer.consent?.personalise || found.holdout || same(found) || found.degraded?.includes("no_consent");
  return h("section", { "aria-labelledby": "shelf" }, h("div", { class: "head" }, h("h2", { id: "shelf" }, t(general ? "shelf.all" : "shelf.you")), h("button", { type: "button", class: "quiet", onclick: (e) => explain(found, found.destinations[0].item, e.currentTarget) }, t("why"))),
    h("ul", { class: "shelf" }, found.destinations.map((d) => h("li", {}, h("button", { type: "button", onclick: () => choose({ at: d.place.at, title: d.place.title }, found.decisionId, d.item) }, h("b", {}, d.place.title), h("span", {}, t(`sort.${d.place.sort}`)))))));
}

function named() {
  const { home: at, work } = state.me.customer;
  const rows = [[t("home"), at], [t("work"), work]].map(([name, place]) => (place ? h("li", {}, h("button", { type: "button", onclick: () => choose({ at: place.at, title: place.title || name }) }, h("b", {}, name), h("span", {}, place.title))) : h("li", {}, h("a", { href: "#you" }, h("b", {}, name), h("span", {}, t("name.it"))))));
  const recent = state.me.recent.map((end) => h("li", {}, h("button", { type: "button", onclick: () => choose(end) }, h("b", {}, end.title), h("span", {}, t("recent")))));
  return h("section", { "aria-labelledby": "known" }, h("h2", { id: "known" }, t("known")), h("ul", { class: "list" }, rows, recent));
}

const explain = (found, item, button) => why(found.decisionId, button, {
  item,
  off: async () => { await api("me", { consent: { ...(state.me.customer.consent || {}), personalise: false } }); await refresh(); state.shelf = null; say(t("consent.off")); draw(true); },
  not: async () => { await api("outcomes", { decisionId: found.decisionId, what: "dismissed", itemId: item }); if (state.shelf) state.shelf.home = null; draw(true); },
});

export async function search(_, fresh = true) {
  const list = h("ul", { class: "list", id: "found" });
  let wait;
  let turn = 0;
  const fill = async (words) => {
    const mine = (turn += 1);
    const found = await api(`places?q=${encodeURIComponent(words)}`);
    await untouched();
    if (mine !== turn) return; // an answer to what was typed before
    swap(list, (found.length ? found.map((s) => h("li", {}, h("button", { type: "button", onclick: () => choose({ at: s.at, title: s.title }) }, h("b", {}, s.title), h("span", {}, t(`sort.${s.sort}`))))) : [h("li", { class: "empty" }, t("found.none"))]));
    list.dataset.words = words;
    clearTimeout(wait);
    if (words.trim().length > 2) wait = setTimeout(() => api(`places?done=1&q=${encodeURIComponent(words)}`).catch(() => {}), 700);
  };
  const value = fresh ? "" : document.getElementById("q")?.value ?? "";
  await fill(value);
  const field = h("input", { id: "q", type: "search", autofocus: true, value, maxlength: "60", autocomplete: "off", oninput: (event) => fill(event.target.value) });
  return [h("h1", {}, t("where.to")), h("label", { class: "field" }, h("span", {}, t("search")), field), list];
}

const CARDS = ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_answerLost"];
const choice = { kind: "", card: localStorage.getItem("ride-card") || CARDS[0] };

export async function price() {
  if (!state.end) return search();
  const quote = await api("quotes", { begin: { at: state.here, title: state.title }, end: state.end.end, decision: state.end.decision, item: state.end.item });
  const first = quote.advice.order.find((k) => quote.waits[k] !== null) || quote.advice.order[0];
  if (!quote.prices[choice.kind]) choice.kind = first;
  let key = newKey();
  if (quote.advice.decisionId) seen(quote.advice.decisionId);
  state.map.show([]);
  state.map.stand(null);
  state.map.ways(quote.way);
  state.map.fit(quote.way);
  const button = h("button", { type: "button", class: "go wide", id: "ask-for-it" });
  const label = () => { button.textContent = t("request", { kind: t(`kind.${choice.kind}`), price: money(quote.prices[choice.kind]) }); };
  label();
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      if (quote.advice.decisionId) api("outcomes", { decisionId: quote.advice.decisionId, what: "clicked", itemId: `ride-kind-${choice.kind}` }).catch(() => {});
      const made = await api("rides", { quote: quote.id, kind: choice.kind, card: choice.card }, key);
      await refresh();
      state.live = null;
      go(`ride/${made.id}`);
    } catch (wrong) {
      banner(wrong.words);
      say(wrong.words);
      key = newKey();
      if (wrong.code === "quote_expired") draw();
      else button.disabled = false;
    }
  });
  const from = state.title || streetAt(state.town.plan, state.here);
  return [
    h("div", { class: "stage" }, state.map.svg),
    h("h1", {}, t("to", { place: quote.end.title })),
    h("ul", { class: "words", "aria-label": t("map.words") }, h("li", {}, t("way", { from, to: quote.end.title, metres: metres(quote.metres), minutes: minutes(quote.seconds) }))),
    h("fieldset", { class: "kinds" }, h("legend", {}, t("kinds")), quote.advice.order.map((kind) => {
      const wait = quote.waits[kind];
      return h("label", {}, h("input", { type: "radio", name: "kind", value: kind, checked: kind === choice.kind, onchange: () => { choice.kind = kind; label(); } }),
        h("span", {}, h("b", {}, t(`kind.${kind}`)), h("span", {}, t("seats", { n: state.town.kinds.find((k) => k.id === kind).seats })), h("span", {}, wait === null ? t("wait.none") : t("wait", { minutes: minutes(wait), at: clock(Date.now() + (wait + quote.seconds) * 1000) })), h("b", { class: "price" }, money(quote.prices[kind]))));
    })),
    quote.advice.decisionId ? h("button", { type: "button", class: "quiet", onclick: (e) => explain(quote.advice, `ride-kind-${quote.advice.order[0]}`, e.currentTarget) }, t("why.order")) : null,
    h("label", { class: "field" }, h("span", {}, t("pay")), h("select", { id: "card", onchange: (e) => { choice.card = e.target.value; localStorage.setItem("ride-card", choice.card); } }, CARDS.map((c) => h("option", { value: c, selected: c === choice.card }, t(`card.${c}`))))),
    h("p", { class: "fine" }, t("pay.when")), button,
  ];
}
