// A ride as it happens: the car on the map and in words, what can be done now, the receipt, stars and tip.

import { api, clock, day, h, minutes, money, newKey, say, t } from "./base.js";
import { streetAt } from "./map.js";
import { banner } from "./shell.js";
import { draw, refresh, state } from "./app.js";

const STEPS = ["looking", "coming", "arrived", "riding", "done"];
const now = (r) => (r.state === "tracking" ? r.step : r.state === "paid" || r.state === "ordered" ? "looking" : r.state);
let live = null;

/** A new position: the car glides, the words and the arrival follow. */
export function stepped(position) {
  if (!live || live.id !== position.ride || !live.words.isConnected) return;
  state.map.show([{ id: "mine", kind: "mine", x: position.x, y: position.y }]);
  live.words.replaceChildren(...said(live.ride, position));
  live.eta.textContent = eta(live.ride, position);
}

const eta = (r, p) => (p && p.step === r.step && r.step !== "arrived" ? t(r.step === "coming" ? "eta.here" : "eta.there", { minutes: p.left < 45 ? t("now") : minutes(p.left), at: clock(p.eta) }) : "");
function said(r, p) {
  if (!p) return [h("li", {}, t("words.none", { from: place(r.from), to: place(r.to) }))];
  return [h("li", {}, t("words.car", { street: streetAt(state.town.plan, [p.x, p.y]) })), h("li", {}, p.step === "arrived" ? t("words.waiting", { from: place(r.from) }) : t(p.step === "coming" ? "words.coming" : "words.riding", { seconds: p.left, at: clock(p.eta), from: place(r.from), to: place(r.to) }))];
}
const place = (end) => end.title || streetAt(state.town.plan, end.at);

export async function rides() {
  const mine = state.me.rides;
  return [h("h1", {}, t("tab.rides")), mine.length ? h("ul", { class: "list" }, mine.map((r) => h("li", {}, h("a", { href: `#ride/${r.id}` }, h("span", {}, h("b", {}, place(r.to)), h("span", {}, `${day(r.at)} ${clock(r.at)} · ${t(`step.${now(r)}`)}`)), h("b", {}, money(r.state === "cancelled" ? r.fee : r.total)))))) : h("p", { class: "empty" }, t("rides.none"))];
}

export async function ride(id) {
  const r = await api(`rides/${id}`);
  const step = now(r);
  const open = ["looking", "coming", "arrived", "riding"].includes(step);
  const position = open ? r.position : null;
  state.map.stand(null);
  state.map.ways(r.way, r.approach);
  state.map.show(position ? [{ id: "mine", kind: "mine", x: position.x, y: position.y }] : []);
  state.map.fit([...(r.way), ...(r.approach || [])]);
  live = { id: r.id, ride: r, words: h("ul", { class: "words", "aria-label": t("map.words") }, open ? said(r, position) : [h("li", {}, t("words.none", { from: place(r.from), to: place(r.to) }))]), eta: h("p", { class: "eta" }, eta(r, position)) };
  const at = STEPS.indexOf(step);
  return [
    h("div", { class: "stage" }, state.map.svg),
    h("section", { class: `card now ${step}`, "aria-labelledby": "now" }, h("h1", { id: "now" }, t(`step.${step}`)), live.eta, h("p", {}, t(`step.${step}.text`, { name: r.driver?.name || "", to: place(r.to), from: place(r.from), fee: money(r.fee) })),
      at >= 0 ? h("ol", { class: "steps" }, STEPS.map((s, n) => h("li", { class: n <= at ? "past" : "", "aria-current": n === at ? "step" : null }, t(`short.${s}`)))) : null),
    r.driver && step !== "cancelled" ? h("section", { class: "card driver", "aria-label": t("driver") }, h("div", {}, h("b", {}, r.driver.name), h("span", { class: "fine" }, `★ ${r.driver.rating.toFixed(1)}${r.driver.simulated ? ` · ${t("simulated.driver")}` : ""}`)), h("div", { class: "end" }, h("b", { class: "plate" }, r.driver.plate), h("span", { class: "fine" }, r.driver.car))) : null,
    live.words,
    step === "cart" ? again(r) : null,
    step === "done" ? after(r) : null,
    receipt(r),
    r.cancel !== null && open ? h("button", { type: "button", class: "plain wide", id: "call-off", onclick: (e) => cancel(r, e.currentTarget) }, r.cancel ? t("cancel.fee", { fee: money(r.cancel) }) : t("cancel.free")) : null,
    open ? null : h("a", { class: "go wide", href: "#" }, t("again.ride")),
  ];
}

async function cancel(r, button) {
  button.disabled = true;
  try {
    await api(`rides/${r.id}/cancel`, {});
    say(t("step.cancelled"));
  } catch (wrong) { banner(wrong.words); }
  await refresh();
  draw();
}

function receipt(r) {
  const row = (name, value, cls = "") => h("div", { class: cls }, h("dt", {}, name), h("dd", {}, value));
  if (r.state === "cancelled") return h("dl", { class: "receipt" }, row(t("fare"), money(r.total), "gone"), row(t(r.fee ? "fee" : "nothing.taken"), money(r.fee), "sum"));
  return h("dl", { class: "receipt" }, row(t(`kind.${r.kind}`), money(r.total)), r.tip ? row(t("tip"), money(r.tip)) : null, row(t(r.state === "done" ? "paid" : r.state === "cart" ? "total" : "reserved"), money(r.total + r.tip), "sum"), row(t("tax"), money(r.tax), "fine"), r.times.ended ? row(t("took"), minutes((r.times.ended - r.times.started) / 1000), "fine") : null);
}

/** The payment failed: another card for the same ride. */
function again(r) {
  const key = newKey();
  return h("section", { class: "card", "aria-labelledby": "again" }, h("h2", { id: "again" }, t(`why.${r.why}`)), h("button", { type: "button", class: "go", onclick: async (e) => {
    e.currentTarget.disabled = true;
    try { await api(`rides/${r.id}/retry`, { card: "pm_card_visa" }, key); } catch (wrong) { banner(wrong.words); }
    await refresh();
    draw();
  } }, t("again.card")));
}

function after(r) {
  const key = newKey();
  const stars = h("fieldset", { class: "stars" }, h("legend", {}, r.stars ? t("rated", { n: r.stars }) : t("rate", { name: r.driver?.name || "" })), [1, 2, 3, 4, 5].map((n) => h("button", { type: "button", "aria-label": t("stars", { n }), class: n <= r.stars ? "on" : "", disabled: r.stars > 0, onclick: async () => { try { await api(`rides/${r.id}/rate`, { stars: n }); say(t("rated", { n })); } catch (wrong) { banner(wrong.words); } draw(); } }, "★")));
  const tips = h("fieldset", {}, h("legend", {}, r.tip ? t("tipped", { n: money(r.tip) }) : t("tip.ask")), r.tip ? null : h("div", { class: "chips" }, state.town.tips.filter(Boolean).map((n) => h("button", { type: "button", class: "plain", onclick: async (e) => { e.currentTarget.disabled = true; try { const paid = await api(`rides/${r.id}/tip`, { amount: n, card: localStorage.getItem("ride-card") || "pm_card_visa" }, key); if (paid.state === "cart") banner(t(`why.${paid.why}`)); } catch (wrong) { banner(wrong.words); } await refresh(); draw(); } }, money(n)))));
  return h("section", { class: "card", "aria-label": t("after") }, stars, tips);
}
