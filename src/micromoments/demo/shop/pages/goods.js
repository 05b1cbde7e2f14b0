// The catalogue in the person's language, drawn as cards; and what the engine shows, with why.

import { api, h, language, money, say, svg, t } from "./base.js";
import { inWords } from "./phrases.js";
import { why } from "./why.js";
import { draw, refresh, state } from "./app.js";

export const good = (id) => state.goods.get(id);
export const title = (id) => good(id)?.title[language] ?? id;
export const text = (id) => good(id)?.text[language] ?? "";
export const shelf = (id) => state.shelf[id] ?? { price: good(id).price, left: 0, stars: null, reviews: 0, lowest: null };

const GLYPHS = [
  ["beans|coffee-p|decaf", "M24 10c8 3 10 18 2 26s-18 4-18-6 8-23 16-20zM24 10c-4 8-2 14-8 28"], ["moka", "M16 8h14l2 14H14zM14 22h18l3 18H11zM32 12h6v16"],
  ["grinder", "M14 8h20l-4 12H18zM16 20h16v20H16zM24 8V4h10"], ["kettle", "M12 16h20l3 24H9zM32 20c8 0 10-6 12-12M14 16c0-8 16-8 16 0"], ["dripper", "M8 12h32L28 30h-8zM12 36h24M24 30v6"],
  ["filter-papers", "M8 10h32L26 40h-4z"], ["press", "M14 14h20v26H14zM24 4v18M18 4h12M34 20h6v12h-6"], ["frother", "M22 4h6v22h-6zM25 26v10M18 40c0-6 14-6 14 0z"], ["descaler", "M14 8h20v32H14zM20 18l8 12M28 18l-8 12"],
  ["cup|tea", "M10 14h22v14a11 11 0 0 1-22 0zM32 18h4a5 5 0 0 1 0 10h-4"], ["bottle-cage|bottle|jars|lube|sealant|paint-warm|filler|wall-paint", "M18 6h12v8l4 6v20H14V20l4-6zM14 26h20"], ["knife", "M6 30L38 8c2 8-8 18-18 22zM20 30l-10 10"],
  ["whetstone", "M6 30l30-14 6 6-30 14zM6 30l6 6"], ["pan-", "M6 22a14 8 0 1 0 28 0 14 8 0 1 0-28 0M34 22h10"], ["casserole", "M8 20h32v16a4 4 0 0 1-4 4H12a4 4 0 0 1-4-4zM6 20h36M20 14h8M4 26h4M40 26h4"], ["scale", "M8 14h32l-3 26H11zM18 28h12M16 14V8h16v6"],
  ["tin", "M8 16h32l-4 22H12z"], ["basket", "M6 18h36l-6 20H12zM10 25h28M12 32h24"], ["flour|starter", "M12 12c0-4 24-4 24 0v28H12zM18 24h12M18 30h12"], ["board", "M8 12h32v24H8zM14 18v12"], ["thermometer", "M20 8h8v20a9 9 0 1 1-8 0zM24 16v18"],
  ["pasta", "M8 14h32v12H8zM12 26v14M20 26v14M28 26v14M36 26v14"], ["peeler", "M16 6l8 14 8-14M24 20v22M18 10h12"], ["spatula", "M20 6h10v16H20zM25 22v20"], ["tap-repair|cartridge|washers", "M8 18h20a8 8 0 0 1 8 8v6h-8v-5H8zM18 18v-8M12 10h12M32 36v6"],
  ["spanner|multi-tool|radiator", "M30 6a10 10 0 0 0-8 14L8 36l6 6 15-14a10 10 0 0 0 12-12l-6 5-5-5z"], ["tape", "M8 24a16 16 0 1 0 32 0 16 16 0 1 0-32 0M18 24a6 6 0 1 0 12 0 6 6 0 1 0-12 0"], ["snake|cable", "M8 40c0-20 12 0 12-16S32 8 32 20s-8 4-8 12 16 4 16-4"],
  ["drill", "M6 12h24v10H6zM30 17h12M12 22l-2 18h10l2-18"], ["plugs", "M18 6h12l-3 6v26l-3 6-3-6V12zM19 18h10M19 26h10"], ["level", "M4 18h40v12H4zM20 18v12M28 18v12"], ["roller", "M8 8h28v10H8zM36 13h6v12H24v17"], ["multimeter", "M14 6h20v36H14zM18 12h12v8H18zM24 34a4 4 0 1 0 0-8 4 4 0 0 0 0 8"],
  ["glove", "M14 42V20l-4-6 4-3 5 7V6h5v12V4h5v14V8h5v34z"], ["puncture|tube|mudguard", "M24 42a18 18 0 1 1 0-36 18 18 0 0 1 0 36zM24 34a10 10 0 1 1 0-20 10 10 0 0 1 0 20z"], ["pump", "M20 10h8v28h-8zM12 6h24M24 6v4M14 42h20v-4H14z"], ["brake", "M8 20h32v10H8zM24 20v-8M16 30v4M32 30v4"],
  ["light", "M8 18h16v14H8zM24 18l14-8M24 25h18M24 32l14 8"], ["lock", "M12 22h24v20H12zM16 22v-8a8 8 0 0 1 16 0v8"], ["pannier", "M10 14h28v26H10zM10 20h28M18 14V8h12v6"], ["helmet", "M6 30a18 16 0 0 1 36 0zM16 30l4-14M28 14l4 16"], ["saddle", "M6 18c16-6 22 0 36 2-6 6-14 4-20 10s-16 0-16-12zM22 30v12"],
  ["seat", "M14 6h12v20h12v6H14zM18 32v10M34 32v10"], ["chain", "M4 24a7 7 0 0 1 7-7h8a7 7 0 0 1 0 14h-8a7 7 0 0 1-7-7zM22 24a7 7 0 0 1 7-7h8a7 7 0 0 1 0 14h-8a7 7 0 0 1-7-7z"],
];
const KINDS = { guide: "M10 8h28v32H10zM16 16h16M16 24h16M16 32h8", article: "M24 42a18 18 0 1 1 0-36 18 18 0 0 1 0 36zM19 19c0-7 11-7 11 0 0 5-6 4-6 9M24 33v2" };

/** A small drawing of a thing. */
export function art(id, big = false) {
  const path = KINDS[good(id)?.kind] ?? GLYPHS.find(([like]) => new RegExp(like).test(id))?.[1] ?? "M10 14h28v26H10zM10 14l4-8h20l4 8";
  const icon = svg("svg", { viewBox: "0 0 48 48", "aria-hidden": "true" }, svg("path", { d: path }));
  return h("span", { class: `art ${good(id)?.category ?? ""}${big ? " big" : ""}` }, icon);
}

export function priceTag(id) {
  const { price, lowest } = shelf(id);
  return h("span", { class: "price" }, h("b", {}, money(price)), lowest ? h("span", { class: "was" }, t("lowest", { price: money(lowest) })) : null);
}
export function stars(id) {
  const s = shelf(id);
  return s.stars ? h("span", { class: "stars" }, h("span", { "aria-hidden": "true" }, "★ "), t("stars", { n: new Intl.NumberFormat(language, { minimumFractionDigits: 1 }).format(s.stars), count: s.reviews })) : null;
}
export function leftWords(id) {
  const { left } = shelf(id);
  return left === 0 ? t("out") : left <= 5 ? t("left", { n: left }) : "";
}

export async function toCart(id, decisionId = "", add = 1) {
  try {
    const there = state.me.cart.find((l) => l.sku === id)?.quantity ?? 0; // as a number, so that a lost answer adds nothing twice
    state.me.cart = await api("cart", { sku: id, quantity: there + add, decisionId });
    say(t("added", { thing: title(id) }));
  } catch (wrong) { say(wrong.words); throw wrong; } finally { draw(); }
}

/** A card of a product, guide or answer; shown by a decision, a click on it is told. */
export function card(id, shown = {}, marked = null) {
  const kind = good(id).kind;
  const told = () => { if (shown.decisionId) api("outcomes", { decisionId: shown.decisionId, what: "clicked", itemId: id }).catch(() => {}); };
  const link = h("a", { href: `#${kind}/${id}`, onclick: told }, art(id), h("span", { class: "name" }, marked ?? title(id)));
  if (kind !== "product") return h("li", { class: `card-s ${kind}` }, link, h("span", { class: "fine" }, kind === "guide" ? t("minutes", { n: good(id).minutes }) : t("kind.article")), reasonsOf(shown.reasons));
  return h("li", { class: "card-s" }, link, h("span", { class: "meta" }, priceTag(id), stars(id)), leftWords(id) ? h("span", { class: "scarce" }, leftWords(id)) : null, reasonsOf(shown.reasons),
    h("button", { type: "button", class: "add", disabled: shelf(id).left === 0, "aria-label": t("add.thing", { thing: title(id) }), onclick: () => { told(); toCart(id, shown.decisionId).catch(() => {}); } }, "+"));
}

export const named = (found) => [...state.goods.values()].find((g) => g.title.en === found)?.title[language] ?? (state.categories.includes(found) ? t(`category.${found}`) : found);
const reasonsOf = (reasons) => { if (!reasons?.length) return null; const { words, lang } = inWords(reasons[0], language, named); return h("span", { class: "reason", lang }, words); };

const seen = new Set();
/** What the engine chose for a slot, with why; said to be seen once it is on the page. */
export function chosen(name, said) {
  const items = (said?.items ?? []).filter((i) => good(i.id));
  if (!items.length) return null;
  if (said.decisionId && !seen.has(said.decisionId)) { seen.add(said.decisionId); api("outcomes", { decisionId: said.decisionId, what: "seen" }).catch(() => {}); }
  const id = `s-${name.replace(/\W/g, "")}`;
  return h("section", { "aria-labelledby": id }, h("div", { class: "head" }, h("h2", { id }, t(popular(items) ? "popular" : name)), said.decisionId ? h("button", { type: "button", class: "quiet", onclick: (e) => explain(said, e.currentTarget) }, t("why")) : null),
    h("ul", { class: "cards" }, items.map((i) => card(i.id, { ...i, decisionId: said.decisionId }))));
}

/** Whether all that is shown is only what sells: then the heading says no more than that. */
const popular = (items) => items.every((i) => i.reasons?.length && i.reasons.every((reason) => reason.startsWith("popular")));

/** Why something is shown, with the switch that turns it off. */
export const explain = (shown, button) => why(shown.decisionId, button, {
  titles: (item) => (good(item.id) ? title(item.id) : t(`offer.${item.attributes?.gives}`)), name: named,
  off: async () => { await api("me", { consent: { measure: true, ...(state.me.customer.consent ?? {}), personalise: false } }); await refresh(); say(t("consent.off")); draw(true); },
});
