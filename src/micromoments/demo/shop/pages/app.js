// The app: who you are, which screen, what changes while you look; each screen is a module of its own.

import { api, say, t } from "./base.js";
import { application, banner, go, latest, open } from "./shell.js";
import { find, home } from "./find.js";
import { article, compare, product } from "./product.js";
import { cart } from "./cart.js";
import { order, orders } from "./orders.js";
import { guide } from "./guide.js";
import { wishes, you } from "./you.js";

export const state = { goods: new Map(), categories: [], shelf: {}, me: null, facts: null, offers: null, compared: JSON.parse(localStorage.getItem("shop-compare") || "[]") };
const inCart = () => state.me.cart.reduce((n, line) => n + line.quantity, 0);
export const { bar, draw } = application({
  title: "Tidewater",
  screens: { "": home, find, product, article, compare, guide, cart, orders, order, wishes, you },
  tabs: [
    ["", "M4 11l8-7 8 7v9h-5v-6H9v6H4z"], ["find", "M10.500 17a6.500 6.500 0 1 1 0-13 6.500 6.500 0 0 1 0 13zM15.500 15.500L21 21"], ["cart", "M3 4h3l2 11h10l2-8H7M9 20h.1M17 20h.1"],
    ["orders", "M4 8l8-4 8 4v9l-8 4-8-4zM4 8l8 4 8-4M12 12v9", "order"], ["you", "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20.500a7.500 7.500 0 0 1 15 0", "wishes"],
  ],
  count: (name) => (name === "cart" && inCart() ? [inCart(), t("in.cart", { n: inCart() })] : null),
});

export const refresh = latest(() => Promise.all([api("me"), api("shelf")]), ([me, shelf]) => { Object.assign(state, { me, shelf }); });

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
    // The cart too: what it says may have been read here before it is told.
    if (["orders", "order", "cart"].includes(location.hash.slice(1).split("/")[0])) draw(); else bar();
  });
  source.addEventListener("cart", (event) => {
    const now = JSON.parse(event.data);
    if (JSON.stringify(now) === JSON.stringify(state.me.cart)) return;
    state.me.cart = now;
    if (location.hash === "#cart") draw(); else bar();
  });
  source.addEventListener("playing", (event) => {
    const now = JSON.parse(event.data);
    if (JSON.stringify(now) === JSON.stringify(state.me.playing)) return;
    state.me.playing = now;
    if (location.hash.startsWith("#guide/")) draw();
  });
}

open(draw, async () => {
  state.facts = await api("goods");
  state.categories = state.facts.categories;
  state.goods = new Map(state.facts.goods.map((g) => [g.id, g]));
  await refresh();
  watch();
}, tellWhere);
