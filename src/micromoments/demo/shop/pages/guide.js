// A guide, played step by step, hands full: large words, timers, the same step on every device.

import { api, h, language, say, t } from "./base.js";
import { art, card, good, shelf, title } from "./goods.js";
import { banner, go } from "./shell.js";
import { draw, refresh, state } from "./app.js";

let ticking;

export async function guide(id) {
  const g = good(id);
  if (g?.kind !== "guide") return [h("h1", {}, t("no.such"))];
  clearInterval(ticking);
  const steps = g.steps[language];
  const playing = state.me.playing[id];
  const move = (step, until = null) => async () => { state.me.playing = await api("play", { guide: id, step, until }); await draw(); document.getElementById("step")?.focus(); }; // read aloud, step by step
  const missing = g.materials.filter((m) => !state.me.cart.some((l) => l.sku === m));
  const materials = h("section", { "aria-labelledby": "materials" }, h("div", { class: "head" }, h("h2", { id: "materials" }, t("materials")), missing.length ? h("button", { type: "button", id: "materials-all", class: "plain", onclick: async () => { state.me.cart = await api("materials", { guide: id }); say(t("materials.added")); draw(); } }, t("materials.all", { n: missing.length })) : h("a", { class: "plain", href: "#cart" }, t("to.cart"))), h("ul", { class: "cards" }, g.materials.map((m) => card(m))));
  if (!playing || playing.done) {
    return [h("p", { class: "fine" }, t("kind.guide"), " · ", t("minutes", { n: g.minutes })), h("h1", {}, title(id)), playing?.done ? h("p", { class: "card notice" }, t("guide.done")) : null,
      h("button", { type: "button", class: "go pay", id: "play", onclick: move(0) }, t(playing?.done ? "play.again" : "play")), h("ol", { class: "all-steps" }, steps.map((s) => h("li", {}, s))), materials];
  }
  const { step } = playing;
  const wait = g.timers[step];
  return [
    h("p", { class: "fine" }, h("a", { href: "#" }, t("leave")), " · ", t("guide.kept")), h("h1", { class: "small" }, title(id)),
    h("progress", { max: steps.length, value: step, "aria-label": t("step.of", { n: step + 1, of: steps.length }) }),
    h("section", { class: "card step", id: "step", tabindex: "-1", "aria-labelledby": "step-n" }, h("h2", { id: "step-n" }, t("step.of", { n: step + 1, of: steps.length })), h("p", {}, steps[step]), wait ? timer(id, step, wait, playing) : null),
    h("div", { class: "two huge" }, h("button", { type: "button", id: "back", class: "plain", disabled: step === 0, onclick: move(step - 1) }, t("back")), h("button", { type: "button", id: "next", class: "go", onclick: move(step + 1) }, t(step + 1 === steps.length ? "finish" : "next"))),
    materials,
  ];
}

function timer(id, step, seconds, playing) {
  const left = () => Math.max(0, Math.round((playing.until - Date.now()) / 1000));
  const words = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  const set = (until) => async () => { state.me.playing = await api("play", { guide: id, step, until }); draw(); };
  if (!playing.until) return h("button", { type: "button", id: "timer", class: "plain", onclick: set(Date.now() + seconds * 1000) }, t("timer.start", { time: words(seconds) }));
  const shown = h("span", { class: "clock", role: "timer" }, words(left()));
  if (left()) ticking = setInterval(() => {
    shown.textContent = words(left());
    if (left()) return;
    clearInterval(ticking);
    banner(t("timer.done", { thing: title(id) }));
    navigator.vibrate?.([200, 100, 200]);
  }, 500);
  return h("p", { class: "row wrap" }, shown, h("button", { type: "button", id: "timer", class: "plain", onclick: set(null) }, t("timer.stop")));
}
export { art, go, refresh, shelf };
