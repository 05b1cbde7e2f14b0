// You: devices, what the shop may use, what the engine sees; and what you keep in mind.

import { api, clock, h, money, say, t } from "./base.js";
import { card, good, named, shelf } from "./goods.js";
import { switches } from "./consent.js";
import { banner } from "./shell.js";
import { spoken } from "./why.js";
import { draw, refresh, state } from "./app.js";

export async function wishes() {
  const ids = Object.keys(state.me.wishes).filter((id) => good(id));
  return [h("h1", {}, t("wishes")), ids.length ? h("ul", { class: "cards" }, ids.map((id) => h("div", { class: "wished" }, card(id), shelf(id).price < state.me.wishes[id].price ? h("p", { class: "notice" }, t("dropped.from", { was: money(state.me.wishes[id].price), now: money(shelf(id).price) })) : null)).map((d) => { const li = d.querySelector("li"); if (d.children[1]) li.append(d.children[1]); return li; })) : h("p", { class: "empty" }, t("wishes.none"))];
}

export async function you() {
  const consent = state.me.customer.consent ?? {};
  const { moments } = await api("moments").catch(() => ({ moments: [] }));
  const flip = async (all) => { await api("me", { consent: all }); await refresh(); draw(); };
  return [
    h("h1", {}, t("tab.you")), h("p", {}, h("a", { class: "plain", href: "#wishes" }, t("wishes.count", { n: Object.keys(state.me.wishes).length }))), devices(),
    h("section", { class: "card", "aria-labelledby": "privacy" }, h("h2", { id: "privacy" }, t("privacy")), switches(["measure", "personalise"], consent, flip)),
    h("section", { class: "card", "aria-labelledby": "moments" }, h("h2", { id: "moments" }, t("moments")), h("p", { class: "fine" }, t("moments.text")), moments.length ? h("ul", { class: "moments" }, moments.slice(0, 8).map(moment)) : h("p", { class: "empty" }, t("moments.none"))),
  ];
}

function moment(m) {
  const how = m.ended ?? m.outcome ?? m.status ?? "";
  const about = m.need?.query || m.need?.category || "";
  return h("li", {}, h("b", {}, t(`moment.${m.type}`)), about ? ` · ${about}` : "", h("span", { class: "fine" }, ` · ${clock(m.openedAt)}`, typeof how === "string" && how && how !== "open" ? ` · ${t(`ended.${how}`)}` : ` · ${t("ended.open")}`), h("ul", { class: "fine" }, (m.evidence ?? []).slice(0, 3).map((e) => spoken(e.text, named))));
}

function devices() {
  const shown = h("div", { role: "status" });
  return h("section", { class: "card", "aria-labelledby": "devices" }, h("h2", { id: "devices" }, t("devices")), h("p", {}, t(state.me.joined ? "devices.joined" : "devices.text")),
    h("button", { type: "button", id: "code", class: "plain", onclick: async () => { const { code } = await api("code", {}); shown.replaceChildren(h("p", {}, t("code.is")), h("p", { class: "code" }, `${code.slice(0, 4)} ${code.slice(4)}`)); } }, t("code.show")), shown,
    h("form", { onsubmit: async (e) => { e.preventDefault(); try { await api("join", { code: e.target.elements.code.value }); location.hash = ""; location.reload(); } catch (wrong) { banner(wrong.words); } } }, h("label", { class: "field" }, h("span", {}, t("code.enter")), h("input", { name: "code", id: "their-code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "9", required: true })), h("button", { class: "plain" }, t("code.join"))));
}
