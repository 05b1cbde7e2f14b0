// The app: who you are, which screen, what changes while you look; each screen is a module of its own.

import { LANGUAGES, api, h, language, say, speak, svg, t } from "./base.js";
import { screen, swap } from "./screen.js";
import { find, home } from "./find.js";
import { article, compare, product } from "./product.js";
import { cart } from "./cart.js";
import { order, orders } from "./orders.js";
import { guide } from "./guide.js";
import { wishes, you } from "./you.js";

export const state = { goods: new Map(), categories: [], shelf: {}, me: null, facts: null, offers: null, compared: JSON.parse(localStorage.getItem("shop-compare") || "[]") };
const SCREENS = { "": home, find, product, article, compare, guide, cart, orders, order, wishes, you };
const TABS = [["", "house"], ["find", "lens"], ["cart", "cart"], ["orders", "parcel"], ["you", "face"]];
const ICONS = { house: "M4 11l8-7 8 7v9h-5v-6H9v6H4z", lens: "M10.500 17a6.500 6.500 0 1 1 0-13 6.500 6.500 0 0 1 0 13zM15.500 15.500L21 21", cart: "M3 4h3l2 11h10l2-8H7M9 20h.1M17 20h.1", parcel: "M4 8l8-4 8 4v9l-8 4-8-4zM4 8l8 4 8-4M12 12v9", face: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20.500a7.500 7.500 0 0 1 15 0" };

export async function refresh() { [state.me, state.shelf] = await Promise.all([api("me"), api("shelf")]); }
export const go = (where) => { location.hash = where; };

/** A notice at the top that stays until it is closed. */
export function banner(words, action, label) {
  const close = () => document.getElementById("banner").replaceChildren();
  document.getElementById("banner").replaceChildren(h("div", { class: "banner" }, h("p", {}, words), action ? h("button", { type: "button", class: "light", onclick: () => { close(); action(); } }, label ?? t("look")) : null, h("button", { type: "button", class: "quiet", "aria-label": t("close"), onclick: close }, "✕")));
}

function tabs() {
  const at = location.hash.slice(1).split("/")[0];
  const count = state.me.cart.reduce((n, line) => n + line.quantity, 0);
  const nav = document.getElementById("tabs");
  nav.setAttribute("aria-label", t("tabs"));
  swap(nav, TABS.map(([name, icon]) => {
    const here = at === name || (name === "orders" && at === "order") || (name === "you" && at === "wishes");
    return h("a", { href: `#${name}`, "aria-current": here ? "page" : null }, svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[icon] })), h("span", {}, t(`tab.${name || "home"}`)), name === "cart" && count ? h("b", { class: "count" }, h("span", { "aria-hidden": "true" }, String(count)), h("span", { class: "sr" }, t("in.cart", { n: count }))) : null);
  }));
}

async function make(fresh) {
  const [name, ...rest] = location.hash.slice(1).split("/");
  try { return await (SCREENS[name] || home)(decodeURIComponent(rest.join("/")), fresh); } catch (wrong) { return [h("h1", {}, t("wrong")), h("p", {}, wrong.words ?? String(wrong))]; }
}
export const draw = screen(make, (main) => {
  tabs();
  document.title = `${main.querySelector("h1")?.textContent || ""} · Tidewater`;
});

const KEPT = ["product", "guide", "article", "cart", "find"];
function tellWhere() {
  const page = location.hash.slice(1);
  if (KEPT.includes(page.split("/")[0])) api("at", { page }).catch(() => {});
}

function watch() {
  const source = new EventSource(`api/live?after=${state.me.after}`);
  source.addEventListener("order", async (event) => {
    const changed = JSON.parse(event.data);
    await refresh();
    say(`${t("order.number", { number: changed.number })}: ${t(`step.${changed.step || changed.state}`)}`);
    if (changed.step === "nearby") banner(t("nearby", { number: changed.number }), () => go(`order/${changed.id}`));
    if (["orders", "order"].includes(location.hash.slice(1).split("/")[0])) draw();
  });
  source.addEventListener("cart", (event) => {
    const now = JSON.parse(event.data);
    if (JSON.stringify(now) === JSON.stringify(state.me.cart)) return;
    state.me.cart = now;
    if (location.hash === "#cart") draw(); else tabs();
  });
  source.addEventListener("playing", (event) => {
    const now = JSON.parse(event.data);
    if (JSON.stringify(now) === JSON.stringify(state.me.playing)) return;
    state.me.playing = now;
    if (location.hash.startsWith("#guide/")) draw();
  });
}

function frame() {
  document.getElementById("skip").textContent = t("skip");
  document.getElementById("simulated").textContent = t("simulated");
  document.getElementById("banner").setAttribute("aria-label", t("notice"));
  const other = LANGUAGES.find((l) => l !== language);
  const button = document.getElementById("language");
  button.textContent = other.toUpperCase();
  button.setAttribute("aria-label", t("language.other"));
  button.setAttribute("lang", other);
}

async function start() {
  await speak(language);
  frame();
  document.getElementById("language").addEventListener("click", async () => { await speak(LANGUAGES.find((l) => l !== language)); frame(); draw(); });
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); document.getElementById("main").focus(); });
  state.facts = await api("goods");
  state.categories = state.facts.categories;
  state.goods = new Map(state.facts.goods.map((g) => [g.id, g]));
  await refresh();
  watch();
  await draw();
  tellWhere();
  addEventListener("hashchange", () => { draw(true); tellWhere(); });
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
}
start();
