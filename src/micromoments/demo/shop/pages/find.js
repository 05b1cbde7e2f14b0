// Home and search: what is chosen for you, and what you look for, as you type.

import { api, h, language, money, say, t, when } from "./base.js";
import { swap, untouched } from "./screen.js";
import { art, card, chosen, explain, good, shelf, text, title } from "./goods.js";
import { question } from "./consent.js";
import { go, soon } from "./shell.js";
import { draw, refresh, state } from "./app.js";

export function searchBox(value = "", oninput = null) {
  const input = h("input", { id: "q", type: "search", value, maxlength: "120", autocomplete: "off", enterkeyhint: "search", placeholder: t("search.for"), oninput: oninput ?? (() => {}) });
  return h("form", { class: "search", role: "search", onsubmit: (e) => { e.preventDefault(); const q = input.value.trim(); if (q) look(q); } },
    h("label", {}, h("span", { class: "sr" }, t("search.for")), input), h("button", { class: "go" }, t("search")));
}

/** Look for words: once more where they are the ones that are looked for. */
function look(words) {
  asked = { words: "", said: null };
  narrowed = new URLSearchParams();
  const where = `find/${encodeURIComponent(words)}`;
  if (location.hash === `#${where}`) draw(); else go(where);
}

const STEADY = 60_000; // milliseconds
let kept = { agreed: null, at: 0, shownHome: null };
const askAgain = () => { kept.at = 0; draw(); };

export async function home() {
  const { me } = state;
  const agreed = JSON.stringify(me.customer.consent);
  if (kept.agreed !== agreed || Date.now() - kept.at > STEADY) { // what is chosen stays put while somebody picks from it
    const [shownHome, offers] = await Promise.all([api("home"), api("offers")]);
    kept = { agreed, at: Date.now(), shownHome };
    state.offers = offers;
    if (shownHome.away || offers.away) soon(askAgain);
  }
  const { shownHome } = kept;
  const { offers } = state;
  const guides = Object.entries(me.playing).filter(([, p]) => !p.done);
  return [
    h("h1", {}, t("hello")), searchBox(), me.customer.consent ? null : question(consented), continued(me),
    me.dropped.length ? h("section", { class: "card notice", "aria-labelledby": "drops" }, h("h2", { id: "drops" }, t("dropped")), h("ul", {}, me.dropped.map((d) => h("li", {}, h("a", { href: `#product/${d.sku}` }, title(d.sku)), " ", t("dropped.from", { was: money(d.was), now: money(d.now) }))))) : null,
    guides.length ? h("section", { "aria-labelledby": "going" }, h("h2", { id: "going" }, t("going")), h("ul", { class: "cards" }, guides.map(([id]) => card(id)))) : null,
    me.cart.length ? h("p", { class: "card waiting" }, t("cart.waits", { n: me.cart.length }), " ", h("a", { class: "plain", href: "#cart" }, t("to.cart"))) : null,
    offersOf(offers), chosen("for.you", shownHome),
    h("section", { "aria-labelledby": "departments" }, h("h2", { id: "departments" }, t("departments")), h("ul", { class: "departments" }, state.categories.map((c) => h("li", {}, h("a", { href: `#find/?category=${c}` }, art(state.facts.goods.find((g) => g.category === c).id), t(`category.${c}`)))))),
    me.views.length ? h("section", { "aria-labelledby": "views" }, h("h2", { id: "views" }, t("viewed")), h("ul", { class: "cards" }, me.views.slice(0, 6).map((id) => card(id)))) : null,
  ];
}

async function consented(yes) {
  await api("me", { consent: { measure: yes, personalise: yes } });
  await refresh();
  draw();
}

/** Words out of an address, which may be cut off. */
const plain = (words) => { try { return decodeURIComponent(words); } catch { return words; } };

/** Where somebody left off on another device. */
function continued(me) {
  if (!me.left) return null;
  const [kind, id] = me.left.page.split("/");
  const what = good(id) ? title(id) : kind === "find" ? t("your.search", { q: plain(id || "") }) : t("tab.cart");
  return h("section", { class: "card", "aria-labelledby": "left" }, h("h2", { id: "left" }, t("left.off")), h("p", {}, t(`left.on.${me.left.device}`)), h("a", { class: "go", href: `#${me.left.page}` }, t("go.on", { what })));
}

export function offersOf(said, onuse = null, used = "") {
  if (!said?.offers?.length) return null;
  if (said.decisionId) api("outcomes", { decisionId: said.decisionId, what: "seen" }).catch(() => {});
  return h("section", { "aria-labelledby": "offers" }, h("div", { class: "head" }, h("h2", { id: "offers" }, t("offers")), h("button", { type: "button", class: "quiet", onclick: (e) => explain(said, e.currentTarget) }, t("why"))),
    h("ul", { class: "offers" }, said.offers.map((o) => h("li", { class: "offer" }, h("h3", {}, t(`offer.${o.gives}`)), h("p", {}, t(`offer.${o.gives}.text`)),
      h("p", { class: "fine" }, t("offer.until", { when: when(o.until) })), o.personal ? h("p", { class: "fine" }, t("offer.personal")) : null,
      onuse ? h("button", { type: "button", class: used === o.id ? "go on" : "plain", "aria-pressed": String(used === o.id), onclick: () => { api("outcomes", { decisionId: said.decisionId, what: "clicked", itemId: o.item }).catch(() => {}); onuse(o); } }, t(used === o.id ? "offer.used" : "offer.use"))
        : h("a", { class: "plain", href: o.gives === "delivery" ? "#find" : `#find/?category=${o.gives}`, onclick: () => api("outcomes", { decisionId: said.decisionId, what: "clicked", itemId: o.item }).catch(() => {}) }, t("look"))))));
}

let narrowed = new URLSearchParams();
let asked = { words: "", said: null };
const QUESTION = /^(why|how|what|which|is|are|does|do|can|may|warum|wieso|wie|was|welche|welcher|ist|sind|darf|kann|muss)\b|\?$/i;

/** ``#find/WORDS?category=..``: results while typing, facets, the answer where the words ask for one. */
export async function find(rest, fresh = true) {
  const [words, params] = rest.split("?");
  if (params !== undefined) narrowed = new URLSearchParams(params);
  const results = h("div", { id: "results" });
  const beside = h("div", { id: "answer" });
  let typed = fresh ? words : document.getElementById("q")?.value ?? words;
  let turn = 0;
  const show = async (prefix) => {
    const mine = (turn += 1);
    const query = new URLSearchParams(narrowed);
    if (typed.trim()) query.set("q", typed.trim());
    if (prefix) query.set("prefix", "1");
    let found = await api(`search?${query}`);
    await untouched();
    if (mine !== turn) return;
    if (found.away) found = alone(typed);
    swap(results, [facets(found, () => show(prefix)), list(found, typed, () => show(prefix))]);
    say(t("found", { n: found.total }));
  };
  let wait;
  const box = searchBox(typed, (e) => { typed = e.target.value; clearTimeout(wait); wait = setTimeout(() => show(true), 160); });
  await show(typed !== words);
  if (words && words !== asked.words) asked = { words, said: api("answer", { query: words }).catch(() => null) };
  const answered = words ? await asked.said : null;
  if (answered) beside.replaceChildren(...[answer(words, answered)].filter(Boolean));
  return [h("h1", {}, words ? t("results", { q: words }) : t("tab.find")), box, beside, results];
}

/** Without the engine: plain words, in what this page knows. */
function alone(typed) {
  const items = [...state.goods.values()].filter((g) => g.title[language].toLowerCase().includes(typed.toLowerCase())).slice(0, 24);
  return { items: items.map((g) => ({ id: g.id, highlights: {} })), total: items.length, facets: {}, didYouMean: null, away: true };
}

/** A passage or a guide beside the list, where the moment is one to know or to do. */
function answer(words, answered) {
  const type = answered.moment?.type ?? (QUESTION.test(words) ? "know" : "none");
  const fit = (answered.items ?? []).filter((i) => good(i.id) && i.reasons?.some((r) => r.startsWith("matches")));
  const first = fit.find((i) => good(i.id).kind === (type === "know" ? "article" : "guide")) ?? fit[0];
  if (!first || (type !== "know" && type !== "do")) return null;
  const g = good(first.id);
  const told = () => api("outcomes", { decisionId: answered.decisionId, what: "clicked", itemId: g.id }).catch(() => {});
  const helped = async (e) => { e.currentTarget.disabled = true; told(); await api("events", { event: "Article Read", properties: { item_id: g.id, decision_id: answered.decisionId } }); say(t("glad")); };
  return h("section", { class: "card answer", "aria-labelledby": "answer-title" }, h("p", { class: "badge" }, t(`moment.${type}`)), h("h2", { id: "answer-title" }, title(g.id)),
    g.kind === "article" ? [h("blockquote", {}, text(g.id)), h("div", { class: "row wrap" }, h("button", { type: "button", id: "helped", class: "plain", onclick: helped }, t("helped")), h("a", { href: `#article/${g.id}`, onclick: told }, t("more")))] : [h("p", {}, g.steps[language][0]), h("a", { class: "go", href: `#guide/${g.id}`, onclick: told }, t("play"))],
    h("button", { type: "button", class: "quiet", onclick: (e) => explain(answered, e.currentTarget) }, t("why")));
}

function facets(found, again) {
  const flip = (name, value) => { const on = narrowed.getAll(name).includes(value); const rest = narrowed.getAll(name).filter((v) => v !== value); narrowed.delete(name); for (const v of on ? rest : [...rest, value]) narrowed.append(name, v); again(); };
  const group = (name, label) => (found.facets[name]?.length > 1 || narrowed.has(name)) ? h("fieldset", {}, h("legend", {}, t(`facet.${name}`)), h("div", { class: "chips" }, found.facets[name].slice(0, 8).map((f) => h("label", {}, h("input", { type: "checkbox", id: `f-${name}-${f.value.replace(/\W/g, "")}`, checked: narrowed.getAll(name).includes(f.value), onchange: () => flip(name, f.value) }), h("span", {}, `${label(f.value)} (${f.count})`))))) : null;
  const sort = h("label", { class: "stand" }, h("span", {}, t("sort")), h("select", { id: "sort", onchange: (e) => { narrowed.delete("sort"); if (e.target.value) narrowed.set("sort", e.target.value); again(); } }, ["", "price", "-price"].map((s) => h("option", { value: s, selected: (narrowed.get("sort") ?? "") === s }, t(`sort.${s || "relevance"}`)))));
  return h("details", { class: "facets", open: innerWidth > 760 || narrowed.size > 0 }, h("summary", {}, t("narrow")), group("category", (v) => t(`category.${v}`)), group("kind", (v) => t(`kind.${v}`)), group("brand", (v) => v), sort);
}

function list(found, typed, again) {
  return [
    found.away ? h("p", { class: "fine" }, t("away")) : null,
    found.didYouMean ? h("p", {}, t("did.you.mean"), " ", h("button", { type: "button", class: "quiet", onclick: () => look(found.didYouMean) }, found.didYouMean)) : null,
    found.total ? h("p", { class: "fine" }, t("found", { n: found.total })) : h("p", { class: "empty" }, t("found.none")),
    h("ul", { class: "cards" }, found.items.map((i) => card(i.id, {}, marked(i, typed)))),
  ].filter(Boolean);
}

/** Words that are in many titles and say nothing of what is looked for. */
const SMALL = new Set("a an and are as at by can do does for from how i in is it long much my of on or the to what when where which why with you your".split(" "));

/** What was searched for, marked: by the engine where it is in English, by its first letters otherwise. */
function marked(item, typed) {
  const telling = (part) => !SMALL.has(part.toLowerCase());
  const html = item.highlights?.title;
  if (language === "en" && html) {
    const plain = (s) => new DOMParser().parseFromString(s, "text/html").body.textContent;
    return h("span", {}, html.split(/<mark>|<\/mark>/).map((part, n) => (n % 2 && telling(part) ? h("mark", {}, plain(part)) : document.createTextNode(part === " " ? " " : keepSpace(part, plain)))));
  }
  const words = typed.toLowerCase().split(/\s+/).filter((w) => w.length > 1);
  return h("span", {}, title(item.id).split(/(\s+)/).map((w) => (words.some((x) => w.toLowerCase().startsWith(x)) ? h("mark", {}, w) : document.createTextNode(w))));
}
const keepSpace = (part, plain) => `${/^\s/.test(part) ? " " : ""}${plain(part).trim()}${/\s$/.test(part) ? " " : ""}`;
export { shelf };
