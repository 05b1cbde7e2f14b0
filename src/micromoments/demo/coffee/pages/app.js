// The app: who you are, where you stand, which screen; each screen is a module of its own.

import { LANGUAGES, api, day, h, language, live, say, speak, t } from "./base.js";
import { screen, swap } from "./screen.js";
import { banner, home } from "./home.js";
import { bag } from "./bag.js";
import { order, orders } from "./orders.js";
import { rewards, you } from "./you.js";

export const state = {
  town: null, me: null, here: null, stores: [], store: null, things: null, bag: JSON.parse(sessionStorage.getItem("coffee-bag") || "[]"),
  offers: { offers: [] }, offer: "", map: null,
};
const SCREENS = { "": home, bag, orders, order, rewards, you };
const TABS = [["", "cup"], ["orders", "list"], ["rewards", "star"], ["you", "face"]];
const ICONS = {
  cup: "M5 9h12v5a6 6 0 0 1-12 0zM17 10h1.5a2.5 2.5 0 0 1 0 5H17M9 6V3M13 6V3", list: "M6 4h12v17l-3-2-3 2-3-2-3 2zM9 9h6M9 13h6",
  star: "M12 3.5l2.600 5.400 5.900.8-4.300 4.100 1 5.900L12 17l-5.200 2.700 1-5.900L3.5 9.700l5.900-.8z", face: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0",
};

export function keepBag() {
  sessionStorage.setItem("coffee-bag", JSON.stringify(state.bag));
  tabs();
}
export async function refresh() {
  state.me = await api("me");
  if (state.me.birthdayStars) banner(t("birthday.given"));
}
export async function look() {
  state.stores = await api(`stores?x=${state.here[0]}&y=${state.here[1]}`);
  if (!state.store || !state.stores.some((s) => s.id === state.store)) state.store = (state.stores.find((s) => s.open) || state.stores[0]).id;
}
export async function askOffers() {
  state.offers = await api("offers");
  if (!state.offers.offers.some((o) => o.id === state.offer)) state.offer = "";
}
export const go = (where) => { location.hash = where; };

function tabs() {
  const at = location.hash.slice(1).split("/")[0];
  const count = state.bag.reduce((n, line) => n + line.quantity, 0);
  document.getElementById("tabs").setAttribute("aria-label", t("tabs"));
  swap(document.getElementById("tabs"), TABS.map(([name, icon]) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    shape.setAttribute("viewBox", "0 0 24 24");
    shape.setAttribute("aria-hidden", "true");
    shape.innerHTML = `<path d="${ICONS[icon]}"/>`;
    const here = at === name || (name === "orders" && at === "order") || (name === "" && at === "bag");
    return h("a", { href: `#${name}`, "aria-current": here ? "page" : null }, shape, h("span", {}, t(`tab.${name || "home"}`)), name === "" && count ? h("b", { class: "count", "aria-label": t("in.bag", { n: count }) }, String(count)) : null);
  }));
}

async function make() {
  const [name, id] = location.hash.slice(1).split("/");
  try { return await (SCREENS[name] || home)(id); } catch (wrong) { banner(wrong.words || String(wrong)); return [h("h1", {}, t("wrong")), h("a", { class: "go", href: "#" }, t("tab.home"))]; }
}
export const draw = screen(make, (main) => {
  tabs();
  document.title = `${main.querySelector("h1")?.textContent || ""} · Alder Coffee`;
});

function watch() {
  const source = new EventSource(`api/live?after=${state.me.after}`);
  source.addEventListener("order", async (event) => {
    const changed = JSON.parse(event.data);
    const before = state.me.orders.find((o) => o.id === changed.id);
    await refresh();
    if (changed.step === "ready" && before?.step !== "ready") {
      banner(t("called", { number: changed.number }), () => go(`order/${changed.id}`));
      navigator.vibrate?.(200);
    }
    if (changed.flow === "") say(`${t("order.number", { number: changed.number })}: ${t(`step.${changed.step || changed.state}`)}`);
    const at = location.hash.slice(1).split("/")[0];
    if (["orders", "order", "rewards"].includes(at)) draw();
  });
}

function frame() {
  document.getElementById("skip").textContent = t("skip");
  document.getElementById("simulated").textContent = t("simulated");
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
  state.town = await api("town");
  live(state.town.timezone);
  state.here = JSON.parse(localStorage.getItem("coffee-here") || "null") || state.town.square;
  await Promise.all([refresh(), look()]);
  await askOffers();
  watch();
  await draw();
  addEventListener("hashchange", () => { const box = document.querySelector(".banner.passing"); box?.remove(); draw(true); });
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
}
start();
export { day };
