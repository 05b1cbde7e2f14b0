// The app: who you are, where you stand, which screen; each screen is a module of its own.

import { api, live, say, t } from "./base.js";
import { application, banner, go, latest, open, soon } from "./shell.js";
import { home } from "./home.js";
import { bag } from "./bag.js";
import { order, orders } from "./orders.js";
import { rewards, you } from "./you.js";

export const state = {
  town: null, me: null, here: null, stores: [], store: null, things: null, bag: JSON.parse(sessionStorage.getItem("coffee-bag") || "[]"),
  offers: { offers: [] }, offer: "", map: null,
};
const inBag = () => state.bag.reduce((n, line) => n + line.quantity, 0);
export const { bar, draw } = application({
  title: "Alder Coffee",
  screens: { "": home, bag, orders, order, rewards, you },
  tabs: [
    ["", "M5 9h12v5a6 6 0 0 1-12 0zM17 10h1.5a2.5 2.5 0 0 1 0 5H17M9 6V3M13 6V3", "bag"], ["orders", "M6 4h12v17l-3-2-3 2-3-2-3 2zM9 9h6M9 13h6", "order"],
    ["rewards", "M12 3.5l2.600 5.400 5.900.8-4.300 4.100 1 5.900L12 17l-5.200 2.700 1-5.900L3.5 9.700l5.900-.8z"], ["you", "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0"],
  ],
  count: (name) => (name === "" && inBag() ? [inBag(), t("in.bag", { n: inBag() })] : null),
});

export function keepBag() {
  sessionStorage.setItem("coffee-bag", JSON.stringify(state.bag));
  bar();
}
export const refresh = latest(() => api("me"), (me) => {
  state.me = me;
  if (me.birthdayStars) banner(t("birthday.given"));
});
export async function look() {
  state.stores = await api(`stores?x=${state.here[0]}&y=${state.here[1]}`);
  if (!state.store || !state.stores.some((s) => s.id === state.store)) state.store = (state.stores.find((s) => s.open) || state.stores[0]).id;
}
export async function askOffers() {
  state.offers = await api("offers");
  if (!state.offers.offers.some((o) => o.id === state.offer)) state.offer = "";
  if (state.offers.away) soon(askAgain);
}
const askAgain = () => askOffers().then(() => draw(), () => {});

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
    if (["orders", "order", "rewards"].includes(location.hash.slice(1).split("/")[0])) draw();
  });
}

open(draw, async () => {
  state.town = await api("town");
  live(state.town.timezone);
  state.here = JSON.parse(localStorage.getItem("coffee-here") || "null") || state.town.square;
  await Promise.all([refresh(), look()]);
  await askOffers();
  watch();
});
