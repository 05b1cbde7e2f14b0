// You: your name, home and work, what may be used, and how well the service does.

import { api, h, minutes, say, t } from "./base.js";
import { switches } from "./consent.js";
import { draw, refresh, state } from "./app.js";

export async function you() {
  const { customer } = state.me;
  const keep = async (fields) => { await api("me", fields); await refresh(); state.shelf = null; say(t("kept")); draw(); };
  const spots = state.town.spots;
  const pick = (name) => h("label", { class: "field" }, h("span", {}, t(name)), h("select", { id: name, onchange: (e) => { const s = spots.find((one) => one.id === e.target.value); if (s) keep({ [name]: { at: s.at, title: s.title } }); else if (e.target.value === "here") keep({ [name]: { at: state.here, title: state.title } }); } }, h("option", { value: "" }, customer[name]?.title || t("choose")), h("option", { value: "here" }, t("where.i.am")), spots.map((s) => h("option", { value: s.id }, s.title))));
  const report = await api("report");
  const row = (name, value) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, value));
  return [
    h("h1", {}, t("tab.you")),
    h("section", { class: "card" }, h("label", { class: "field" }, h("span", {}, t("name")), h("input", { id: "name", maxlength: "30", autocomplete: "given-name", value: customer.name, onchange: (e) => keep({ name: e.target.value.trim() }) })), pick("home"), pick("work")),
    h("section", { class: "card", "aria-labelledby": "may" }, h("h2", { id: "may" }, t("may")), switches(["personalise", "location", "measure"], customer.consent, (consent) => keep({ consent }))),
    h("section", { class: "card", "aria-labelledby": "well" }, h("h2", { id: "well" }, t("well")), h("p", { class: "fine" }, t("well.text")), report.asked ? h("dl", { class: "receipt" }, row("well.matched", `${Math.round(report.matched * 100)} %`), report.waitSeconds === null ? null : row("well.wait", minutes(report.waitSeconds)), report.waitSecondsNinety === null ? null : row("well.ninety", minutes(report.waitSecondsNinety)), report.firstEstimateOffSeconds === null ? null : row("well.off", t("seconds", { n: Math.round(report.firstEstimateOffSeconds) }))) : h("p", { class: "empty" }, t("well.none"))),
    h("p", {}, h("a", { href: "#worth" }, t("worth.link"))), h("p", {}, h("a", { href: "driver" }, t("drive"))),
  ];
}
