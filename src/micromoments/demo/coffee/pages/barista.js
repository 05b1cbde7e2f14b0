// The bar's screen: accept, make, call, hand over; live from the phones and back.

import { Trouble, api, clock, h, language, live, money, say, speak, t } from "./base.js";
import { screen } from "./screen.js";
import { frame } from "./shell.js";
import { lineWords, thing } from "./words.js";

const LANES = [["paid", "accepted"], ["accepted", "making"], ["making", "ready"], ["ready", "done"]];
let store = localStorage.getItem("coffee-store") || "square";
let source = null;
const lane = (o) => (o.state === "tracking" ? o.step : o.state);

const draw = screen(async () => {
  let bar;
  try {
    bar = await api(`bar/${store}`);
  } catch (wrong) {
    if (wrong instanceof Trouble && wrong.status === 401) return signIn();
    throw wrong;
  }
  if (!source) watch(bar.after);
  return [
    h("h1", {}, bar.title),
    h("ul", { class: "shelf", "aria-label": t("bar.shelf") }, Object.entries(bar.left).map(([sku, n]) => h("li", {}, `${thing(sku)}: ${n}`))),
    h("div", { class: "lanes" }, LANES.map(([name, next]) => {
      const orders = bar.orders.filter((o) => lane(o) === name);
      return h("section", { class: "lane", "aria-label": t(`bar.${name}`) }, h("h2", {}, `${t(`bar.${name}`)} (${orders.length})`), orders.map((o) => ticket(o, next)));
    })),
    h("section", { "aria-labelledby": "done" }, h("h2", { id: "done" }, t("bar.done")), h("ul", { class: "history" }, bar.done.map((o) => h("li", { class: "row" }, h("b", {}, `#${o.number}`), h("span", {}, t(`step.${o.state}`)), h("span", {}, money(o.total)), o.state === "done" && Object.values(o.returned).reduce((a, b) => a + b, 0) < o.total ? h("button", { type: "button", class: "quiet", onclick: (e) => act(e.currentTarget, o, "refund", { amount: o.total - Object.values(o.returned).reduce((a, b) => a + b, 0), why: "bar" }) }, t("bar.refund", { number: o.number })) : null)))),
  ];
});

function ticket(o, next) {
  const late = o.due && o.due < Date.now() && lane(o) !== "ready";
  return h("article", { class: late ? "ticket late" : "ticket", "aria-label": t("order.number", { number: o.number }) },
    h("h3", {}, h("span", {}, `#${o.number}`), h("span", { class: "fine" }, o.due ? clock(o.due) : "")), h("ul", {}, o.lines.map((l) => h("li", {}, lineWords(l)))),
    h("div", { class: "row" }, h("button", { type: "button", class: "go", onclick: (e) => act(e.currentTarget, o, next) }, t(`bar.to.${next}`)), lane(o) !== "ready" ? h("button", { type: "button", class: "quiet", "aria-label": t("bar.cancel.of", { number: o.number }), onclick: (e) => act(e.currentTarget, o, "cancel") }, t("bar.cancel")) : null));
}

async function act(button, o, what, body = {}) {
  button.disabled = true;
  try { await api(`bar/orders/${o.id}/${what}`, body); } catch (wrong) { say(wrong.words); }
  await draw();
}

function watch(after) {
  source = new EventSource(`api/bar/${store}/live?after=${after}`);
  source.addEventListener("order", async (event) => {
    const o = JSON.parse(event.data);
    if (o.state === "paid") say(t("bar.new", { number: o.number }));
    await draw();
  });
}

function signIn() {
  const wrong = h("p", { class: "wrong", role: "alert" });
  return [h("h1", {}, t("bar.sign")), h("form", { class: "card", onsubmit: async (event) => {
    event.preventDefault();
    try { await api("bar/sign-in", { pin: document.getElementById("pin").value }); await draw(); } catch (no) { wrong.textContent = no.words; }
  } }, h("label", { class: "field" }, h("span", {}, t("bar.pin")), h("input", { id: "pin", type: "password", inputmode: "numeric", autocomplete: "off" })), h("p", { class: "fine" }, t("bar.pin.demo")), wrong, h("button", { class: "go" }, t("bar.in")))];
}

async function start() {
  await speak(language);
  live((await api("town")).timezone);
  const word = h("span");
  const choose = h("select", { id: "store", onchange: () => { store = choose.value; localStorage.setItem("coffee-store", store); source?.close(); source = null; draw(true); } });
  document.getElementById("simulated").before(h("label", { class: "stand" }, word, choose));
  const named = () => { word.textContent = t("bar.store"); document.title = `${t("bar.title")} · Alder Coffee`; };
  frame(() => { named(); draw(); });
  named();
  choose.replaceChildren(...(await api("stores")).map((s) => h("option", { value: s.id, selected: s.id === store }, s.title)));
  await draw();
}
start();
