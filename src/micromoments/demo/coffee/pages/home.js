// Where to get it and what there is: promotions, the usual, stores on a map and in words, the menu.

import { api, clock, h, metres, money, newKey, say, svg, t } from "./base.js";
import { question } from "./consent.js";
import { swap } from "./screen.js";
import { banner, go } from "./shell.js";
import { StoreMap } from "./stores.js";
import { ask, why } from "./why.js";
import { lineWords, thing } from "./words.js";
import { askOffers, draw, keepBag, look, refresh, state } from "./app.js";

export async function home() {
  if (!state.things) state.things = await api(`stores/${state.store}/menu`);
  const consent = state.me.customer.consent;
  return [
    h("h1", { class: "hello" }, state.me.customer.name ? t("hello.name", { name: state.me.customer.name }) : t("hello")),
    consent ? null : question(agreed),
    usual(),
    promotions(),
    stores(),
    menu(),
    state.bag.length ? h("a", { class: "bagbar", href: "#bag" }, h("span", {}, t("to.bag")), h("b", {}, money(state.bag.reduce((n, l) => n + l.quantity * unit(l), 0)))) : null,
  ].filter(Boolean);
}

async function agreed(yes) {
  await api("me", { consent: { personalise: yes, location: yes, contact: yes, measure: yes } });
  await refresh();
  await askOffers();
  draw(true);
}

function usual() {
  const known = state.me.usual;
  if (!known) return null;
  const at = state.stores.find((s) => s.id === known.store);
  if (!at?.open) return null;
  return h("section", { class: "card usual", "aria-labelledby": "usual" }, h("div", {}, h("h2", { id: "usual" }, t("usual")), h("p", {}, known.items.map(lineWords).join(", ")), h("p", { class: "fine" }, `${at.title} · ${t("walk", { n: at.walk })} · ${t("wait", { n: at.wait })}`)),
    h("button", { type: "button", class: "go", onclick: (event) => orderUsual(event.currentTarget) }, t("usual.order")));
}

/** One tap: the same things, the same card, one key however often it is tapped. */
export async function orderUsual(button, decision) {
  button.disabled = true;
  const known = state.me.usual;
  const card = localStorage.getItem("coffee-card") || "pm_card_visa";
  try {
    if (decision) await api("outcomes", { decisionId: decision, what: "clicked", itemId: "coffee-usual" });
    const wanted = { store: known.store, items: known.items, card };
    const quote = await api("quote", wanted);
    const placed = await api("orders", { ...wanted, total: quote.total }, newKey());
    await refresh();
    go(`order/${placed.id}`);
  } catch (wrong) {
    banner(wrong.words);
    button.disabled = false;
  }
}

const SHAPES = { double: "M20 6l4 9 10 1-7 7 2 10-9-5-9 5 2-10-7-7 10-1z", combo: "M8 14h16v7a8 8 0 0 1-16 0zM24 16h3a4 4 0 0 1 0 8h-3M30 33a7 5 0 1 1 .1 0", back: "M8 14h18a8 8 0 0 1 0 16H14M14 8l-6 6 6 6", size: "M12 12h16l-2 22H14zM10 12h20M15 6h10l1 6", filter: "M8 10h24L22 22v8h-4v-8zM12 34h16" };

function promotions() {
  const { offers, decisionId, holdout } = state.offers;
  if (!offers.length) return null;
  queueMicrotask(() => seen(decisionId));
  return h("section", { "aria-labelledby": "offers" }, h("h2", { id: "offers" }, t(state.offers.degraded?.includes("no_consent") || holdout ? "offers.all" : "offers.you")),
    h("ul", { class: "offers" }, offers.map((offer) => {
      const on = state.offer === offer.id;
      const art = svg("svg", { viewBox: "0 0 40 40", "aria-hidden": "true" }, svg("path", { d: SHAPES[offer.gives] || SHAPES.double }));
      return h("li", { class: `offer ${offer.gives}` }, art, h("h3", {}, t(`offer.${offer.gives}`)), h("p", {}, t(`offer.${offer.gives}.text`)), h("p", { class: "fine" }, t("offer.until", { when: clock(offer.until) })),
        h("div", { class: "row" },
          h("button", { type: "button", id: `use-${offer.id}`, "aria-pressed": String(on), class: on ? "go on" : "go", onclick: () => { state.offer = on ? "" : offer.id; if (!on) api("outcomes", { decisionId, what: "clicked", itemId: offer.item }).catch(() => {}); say(t(on ? "offer.off" : "offer.on")); draw(); } }, t(on ? "offer.used" : "offer.use")),
          h("button", { type: "button", class: "quiet", onclick: (event) => explain(decisionId, offer, event.currentTarget) }, t("why"))));
    })));
}

let told = "";
function seen(decision) {
  if (!decision || told === decision) return;
  told = decision;
  api("outcomes", { decisionId: decision, what: "seen" }).catch(() => {});
}

const explain = (decision, offer, button) => why(decision, button, {
  item: offer.item,
  off: async () => { await api("me", { consent: { ...(state.me.customer.consent || {}), personalise: false } }); await refresh(); await askOffers(); say(t("consent.off")); draw(true); },
  not: async () => { await api("outcomes", { decisionId: decision, what: "dismissed", itemId: offer.item }); state.offers.offers = state.offers.offers.filter((o) => o.id !== offer.id); draw(true); },
});

function stores() {
  state.map ||= new StoreMap(state.town.plan, (at) => { state.here = at; localStorage.setItem("coffee-here", JSON.stringify(at)); look().then(() => draw()); });
  state.map.show(state.stores, state.here, state.store);
  const districts = state.town.plan.districts.filter((d) => !/Bay|River/.test(d.name));
  return h("section", { "aria-labelledby": "near" }, h("div", { class: "head" }, h("h2", { id: "near" }, t("near")),
    h("label", { class: "stand" }, h("span", {}, t("stand")), h("select", { id: "stand", onchange: async (event) => { if (!event.target.value) return; state.here = JSON.parse(event.target.value); localStorage.setItem("coffee-here", event.target.value); await look(); await draw(); } },
      h("option", { value: "" }, t("stand.here")), districts.map((d) => h("option", { value: JSON.stringify(d.at) }, d.name))))),
    state.map.svg,
    h("ol", { class: "stores" }, state.stores.map((s, n) => h("li", { class: s.id === state.store ? "chosen" : "" },
      h("button", { type: "button", id: `store-${s.id}`, "aria-pressed": String(s.id === state.store), onclick: async () => { state.store = s.id; state.things = null; api("events", { event: "Store Viewed", properties: { item_id: `coffee-${s.id}` } }).catch(() => {}); await draw(); document.getElementById("menu")?.scrollIntoView({ block: "start" }); } },
        h("span", { class: "n", "aria-hidden": "true" }, String(n + 1)), h("span", { class: "what" }, h("b", {}, s.title.replace("Alder Coffee, ", "")), h("span", { class: s.open ? "open" : "shut" }, s.open ? t("open.until", { when: clock(s.until) }) : t("opens", { when: s.opens ? clock(s.opens) : "" }))),
        h("span", { class: "far" }, h("b", {}, t("walk", { n: s.walk })), h("span", {}, metres(s.metres)), s.open ? h("span", {}, t("wait", { n: s.wait })) : null))))));
}

export const unit = (line) => (state.things?.things.find((x) => x.sku === line.sku)?.price ?? 0) + line.options.reduce((n, o) => n + (state.things?.options[o] ?? 0), 0);

let searched = "";
function menu() {
  const store = state.stores.find((s) => s.id === state.store);
  const list = h("div", { id: "things" });
  const fill = () => swap(list, ["drink", "food"].map((kind) => {
    const found = state.things.things.filter((x) => x.kind === kind && thing(x.sku).toLowerCase().includes(searched.toLowerCase()));
    return found.length ? h("div", {}, h("h3", {}, t(`kind.${kind}`)), h("ul", { class: "things" }, found.map((x) => h("li", { class: x.left === 0 ? "out" : "" },
      h("span", { class: "name" }, h("b", {}, thing(x.sku)), x.left !== null && x.left < 5 ? h("span", { class: "left" }, x.left ? t("left", { n: x.left }) : t("out")) : null),
      h("span", { class: "price" }, money(x.price)),
      h("button", { type: "button", class: "add", disabled: x.left === 0, "aria-label": t("add.thing", { thing: thing(x.sku) }), onclick: (event) => choose(x, event.currentTarget) }, "+")))) ) : "";
  }).filter(Boolean));
  fill();
  let wait;
  return h("section", { "aria-labelledby": "menu" }, h("h2", { id: "menu" }, t("menu.at", { store: store.title.replace("Alder Coffee, ", "") })),
    h("label", { class: "search" }, h("span", { class: "sr" }, t("search")), h("input", { type: "search", value: searched, placeholder: t("search"), maxlength: "60", oninput: (event) => { searched = event.target.value; fill(); clearTimeout(wait); if (searched.trim().length > 2) wait = setTimeout(() => api("events", { event: "Products Searched", properties: { query: searched.trim() } }).catch(() => {}), 600); } })), list);
}

function choose(x, button) {
  const groups = [state.things.groups[0], x.milk ? state.things.groups[1] : []];
  if (x.kind === "food") return put({ sku: x.sku, quantity: 1, options: [] });
  const radios = groups.filter((g) => g.length).map((group, n) => h("fieldset", {}, h("legend", {}, t(`group.${n}`)), h("div", { class: "chips" }, group.map((o, k) => h("label", {}, h("input", { type: "radio", name: `g${n}`, value: o, checked: k === 0 }), h("span", {}, t(`option.${o}`), state.things.options[o] ? h("small", {}, ` +${money(state.things.options[o])}`) : null))))));
  const extras = h("fieldset", {}, h("legend", {}, t("extras")), h("div", { class: "chips" }, ["shot", "vanilla"].map((o) => h("label", {}, h("input", { type: "checkbox", value: o }), h("span", {}, t(`option.${o}`), h("small", {}, ` +${money(state.things.options[o])}`))))));
  const form = h("form", { method: "dialog" }, h("h2", { id: "choose" }, thing(x.sku)), ...radios, extras, h("div", { class: "two" }, h("button", { class: "plain", value: "" }, t("cancel")), h("button", { class: "go", value: "add" }, t("add"))));
  ask(button, { "aria-labelledby": "choose" }, [form], (box) => {
    const options = [...form.querySelectorAll("input:checked")].map((i) => i.value).filter((o) => o !== "whole" && o !== "small");
    if (box.returnValue === "add") put({ sku: x.sku, quantity: 1, options });
  });
}

function put(line) {
  const same = state.bag.find((l) => l.sku === line.sku && l.options.join() === line.options.join());
  if (same) same.quantity += 1;
  else state.bag.push(line);
  keepBag();
  say(t("added", { thing: thing(line.sku) }));
  api("events", { event: "Product Added", properties: { product_id: `coffee-${line.sku}`, quantity: 1 } }).catch(() => {});
  draw();
}
