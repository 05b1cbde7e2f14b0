// A product with what others say of it, side by side with others, and answers.

import { Trouble, api, h, language, money, say, t } from "./base.js";
import { art, card, chosen, good, leftWords, priceTag, shelf, stars, text, title, toCart } from "./goods.js";
import { banner, go } from "./shell.js";
import { draw, refresh, state } from "./app.js";

let looked = { id: "", said: null };

export async function product(id) {
  const g = good(id);
  if (g?.kind !== "product") return [h("h1", {}, t("no.such"))];
  if (looked.id !== id) { looked = { id, said: await api(`product/${id}`) }; state.me.views = [id, ...state.me.views.filter((v) => v !== id)]; }
  const { reviews, summary, beside } = looked.said;
  const wished = id in state.me.wishes;
  const left = shelf(id).left;
  const guides = [...state.goods.values()].filter((x) => x.kind === "guide" && x.materials.includes(id));
  const answers = [...state.goods.values()].filter((x) => x.kind === "article" && x.category === g.category).map((x) => [overlap(x, g), x]).filter(([n]) => n > 0).sort((a, b) => b[0] - a[0]).slice(0, 2).map(([, x]) => x);
  return [
    h("div", { class: "product" }, art(id, true), h("div", {}, h("p", { class: "fine" }, h("a", { href: `#find/?category=${g.category}` }, t(`category.${g.category}`)), " · ", g.brand), h("h1", {}, title(id)), stars(id), h("p", {}, text(id)),
      h("p", { class: "big" }, priceTag(id)), h("p", { class: "fine" }, t("tax.included", { n: g.food ? 14 : 24 })), h("p", { class: left ? (left <= 5 ? "scarce" : "fine") : "wrong" }, leftWords(id) || t("in.stock")),
      h("div", { class: "row wrap" }, h("button", { type: "button", id: "add", class: "go", disabled: left === 0, onclick: () => toCart(id).catch(() => {}) }, t("add")),
        h("button", { type: "button", id: "wish", class: "plain", "aria-pressed": String(wished), onclick: async () => { state.me.wishes = await api("wish", { sku: id, on: !wished }); say(t(wished ? "wish.gone" : "wish.kept")); draw(); } }, t(wished ? "wish.off" : "wish.on")),
        h("button", { type: "button", id: "compare", class: "plain", "aria-pressed": String(state.compared.includes(id)), onclick: () => { flip(id); draw(); } }, t("compare"))),
      state.compared.length > 1 ? h("p", {}, h("a", { href: "#compare" }, t("compare.these", { n: state.compared.length }))) : null,
      g.food ? h("p", { class: "fine" }, t("food.stays")) : h("p", { class: "fine" }, t("may.return", { n: state.facts.returnDays })))),
    guides.length ? h("section", { "aria-labelledby": "how" }, h("h2", { id: "how" }, t("how.to")), h("ul", { class: "cards" }, guides.map((x) => card(x.id)))) : null,
    answers.length ? h("section", { "aria-labelledby": "answers" }, h("h2", { id: "answers" }, t("answers")), answers.map((x) => h("details", { class: "card", ontoggle: (e) => { if (e.target.open) api("events", { event: "Article Viewed", properties: { item_id: x.id } }).catch(() => {}); } }, h("summary", {}, title(x.id)), h("p", {}, text(x.id))))) : null,
    chosen("goes.with", beside), said(id, reviews, summary),
  ];
}

/** How much an answer has to do with a product: shared words of more than three letters. */
function overlap(article, g) {
  const words = (x) => new Set(`${x.title.en} ${x.text.en}`.toLowerCase().match(/[a-z]{4,}/g).map((w) => w.replace(/s$/, "")));
  const mine = words(g);
  return [...words(article)].filter((w) => mine.has(w) && !["with", "that", "your", "from", "more", "than", "most", "steel"].includes(w)).length;
}

function flip(id) {
  state.compared = state.compared.includes(id) ? state.compared.filter((x) => x !== id) : [...state.compared, id].slice(-3);
  localStorage.setItem("shop-compare", JSON.stringify(state.compared));
  if (state.compared.length > 1) api("events", { event: "Products Compared", properties: { product_id: id, category: good(id).category } }).catch(() => {});
}

function said(id, reviews, summary) {
  const bought = state.me.orders.some((o) => ["paid", "tracking", "done"].includes(o.state) && o.lines.some((l) => l.sku === id));
  return h("section", { "aria-labelledby": "reviews" }, h("h2", { id: "reviews" }, t("reviews")), stars(id),
    summary.length ? h("div", { class: "card" }, h("h3", {}, t("summary")), h("ul", { class: "summary" }, summary.slice(0, 4).map((s) => h("li", {}, h("b", {}, t(`about.${s.about}`)), h("span", { class: "fine" }, ` ${t("counts", { good: s.good, bad: s.bad })}`), s.quotes.map(([sign, words, lang]) => h("blockquote", { class: sign, lang }, `“${words}”`))))), h("p", { class: "fine" }, t("summary.how"))) : h("p", { class: "empty" }, t("reviews.none")),
    h("ul", { class: "reviews" }, reviews.map((r) => h("li", {}, h("p", {}, h("b", {}, r.by || t("a.buyer")), ` · ${t("stars.of", { n: r.stars })} · `, h("span", { class: "fine" }, t(r.made_up ? "made.up" : "buyer"))), h("p", { lang: r.lang }, r.text)))),
    bought ? form(id) : null);
}

function form(id) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  return h("form", { class: "card", onsubmit: async (e) => {
    e.preventDefault();
    try {
      await api("review", { sku: id, stars: Number(e.target.elements.stars.value), text: e.target.elements.text.value, lang: language });
      looked.id = "";
      e.target.reset();
      await refresh();
      say(t("review.thanks"));
      draw();
    } catch (no) { wrong.textContent = no.words; }
  } }, h("h3", {}, t("review.write")), h("label", { class: "field" }, h("span", {}, t("review.stars")), h("select", { name: "stars" }, [5, 4, 3, 2, 1].map((n) => h("option", { value: String(n) }, t("stars.of", { n }))))), h("label", { class: "field" }, h("span", {}, t("review.text")), h("textarea", { name: "text", rows: "3", maxlength: "600", minlength: "10", required: true })), wrong, h("button", { class: "plain" }, t("review.send")));
}

export async function compare() {
  const ids = state.compared.filter((id) => good(id));
  if (!ids.length) return [h("h1", {}, t("compare")), h("p", { class: "empty" }, t("compare.none"))];
  const row = (name, cell) => h("tr", {}, h("th", { scope: "row" }, t(name)), ids.map((id) => h("td", {}, cell(id))));
  return [h("h1", {}, t("compare")), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("compare") }, h("table", { class: "compare" }, h("thead", {}, h("tr", {}, h("td", {}), ids.map((id) => h("th", { scope: "col" }, art(id), h("a", { href: `#product/${id}` }, title(id)))))),
    h("tbody", {}, row("price", priceTag), row("rating", (id) => stars(id) ?? "–"), row("brand", (id) => good(id).brand), row("what", text), row("stock", (id) => leftWords(id) || t("in.stock")), row("delivery", (id) => (shelf(id).price >= state.facts.freeFrom ? t("free") : money(state.facts.shipping.standard))), row("returns", (id) => t(good(id).food ? "no" : "days", { n: state.facts.returnDays })),
      h("tr", {}, h("td", {}), ids.map((id) => h("td", {}, h("button", { type: "button", class: "go", disabled: shelf(id).left === 0, "aria-label": t("add.thing", { thing: title(id) }), onclick: () => toCart(id).catch(() => {}) }, t("add")), h("button", { type: "button", class: "quiet", "aria-label": t("compare.drop", { thing: title(id) }), onclick: () => { flip(id); draw(); } }, t("drop"))))))))];
}

export async function article(id) {
  if (good(id)?.kind !== "article") return [h("h1", {}, t("no.such"))];
  api("events", { event: "Article Viewed", properties: { item_id: id } }).catch(() => {});
  const g = good(id);
  const near = [...state.goods.values()].filter((x) => x.category === g.category && x.kind !== "article").map((x) => [overlap(g, x), x]).sort((a, b) => b[0] - a[0]).slice(0, 3);
  return [h("h1", {}, title(id)), h("p", { class: "answered" }, text(id)), h("section", { "aria-labelledby": "with" }, h("h2", { id: "with" }, t("to.this")), h("ul", { class: "cards" }, near.map(([, x]) => card(x.id))))];
}
export { Trouble, banner, go };
