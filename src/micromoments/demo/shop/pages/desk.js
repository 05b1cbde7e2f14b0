// The shop's own desk: what things cost and how many there are. A price is the same for everybody.

import { api, h, language, money, say, speak, t } from "./base.js";
import { screen } from "./screen.js";
import { frame } from "./shell.js";

let pin = "";
let facts;

const draw = screen(async () => {
  const shelf = await api("shelf");
  const products = facts.goods.filter((g) => g.kind === "product");
  const wrong = h("p", { class: "wrong", role: "alert" });
  const send = async (e) => {
    e.preventDefault();
    const { sku, price, pieces } = e.target.elements;
    try {
      await api("desk", { pin, sku: sku.value, price: price.value ? Math.round(Number(price.value) * 100) : null, pieces: pieces.value ? Number(pieces.value) : null });
      for (const field of [price, pieces]) field.value = "";
      await draw();
      say(t("desk.done"));
    } catch (no) { wrong.textContent = no.words; }
  };
  document.title = `${t("desk")} · Tidewater`;
  return [h("h1", {}, t("desk")), h("p", {}, t("desk.text", { pin: "1357" })),
    h("form", { class: "card", onsubmit: send }, h("label", { class: "field" }, h("span", {}, t("pin")), h("input", { type: "password", id: "pin", required: true, value: pin, oninput: (e) => { pin = e.target.value; } })), h("label", { class: "field" }, h("span", {}, t("product")), h("select", { name: "sku", id: "sku" }, products.map((g) => h("option", { value: g.id }, `${g.title[language]}: ${money(shelf[g.id].price)}, ${shelf[g.id].left}`)))),
      h("div", { class: "two" }, h("label", { class: "field" }, h("span", {}, t("desk.price")), h("input", { name: "price", id: "price", type: "number", step: "0.01", min: "0.01" })), h("label", { class: "field" }, h("span", {}, t("desk.pieces")), h("input", { name: "pieces", id: "pieces", type: "number", min: "1", max: "10000" }))), wrong, h("button", { class: "go" }, t("keep")))];
});

await speak(language);
frame(() => draw());
facts = await api("goods");
await draw();
