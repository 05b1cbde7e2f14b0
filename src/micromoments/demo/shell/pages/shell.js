// The frame around every app: its tabs, its languages, its notices, and which of its screens is shown.

import { LANGUAGES, h, language, speak, svg, t } from "./base.js";
import { screen, swap } from "./screen.js";

const spot = (id) => document.getElementById(id);

/** Go to a screen, again where it is the one that is shown. */
export function go(where) {
  if (location.hash.slice(1) === where) dispatchEvent(new HashChangeEvent("hashchange")); else location.hash = where;
}

/** A notice at the top that stays until it is closed; one that leads somewhere goes when somebody goes elsewhere. */
export function banner(words, act = null, label = t("look")) {
  const close = () => box.remove();
  const box = h("div", { class: act ? "banner passing" : "banner" }, h("p", {}, words), act ? h("button", { type: "button", class: "light", onclick: () => { close(); act(); } }, label) : null, h("button", { type: "button", class: "quiet", "aria-label": t("close"), onclick: close }, "✕"));
  spot("banner").replaceChildren(box);
}

/** Asks each time it is called; an answer that came after that of a later question is let go. */
export function latest(ask, take) {
  let asked = 0;
  let taken = 0;
  return async () => {
    asked += 1;
    const mine = asked;
    const said = await ask();
    if (mine > taken) { taken = mine; take(said); }
  };
}

const asking = new Set();
/** Do something in a while, once however often it is wanted: such as asking again, as the engine didn't answer in time. */
export function soon(act) {
  if (asking.has(act)) return;
  asking.add(act);
  setTimeout(() => { asking.delete(act); act(); }, 2000);
}

/** What stands around the screens, in the person's language; ``again`` draws what is within. */
export function frame(again) {
  spot("skip").textContent = t("skip");
  spot("skip").onclick = (event) => { event.preventDefault(); spot("main").focus(); };
  spot("simulated").textContent = t("simulated");
  spot("banner").setAttribute("aria-label", t("notice"));
  const other = LANGUAGES.find((one) => one !== language);
  const button = spot("language");
  button.textContent = other.toUpperCase();
  button.setAttribute("aria-label", t("language.other"));
  button.setAttribute("lang", other);
  button.onclick = async () => { await speak(other); frame(again); again(); };
}

/**
 * An app of several screens. ``screens`` by the first word of the address; ``tabs`` as [name, icon, screens beneath it
 * ...]; ``count(name)`` is what waits behind a tab, as [number, in words], if anything.
 */
export function application({ title, screens, tabs, count = () => null }) {
  function bar() {
    const at = location.hash.slice(1).split("/")[0];
    spot("tabs").setAttribute("aria-label", t("tabs"));
    swap(spot("tabs"), tabs.map(([name, icon, ...beneath]) => {
      const waits = count(name);
      return h("a", { href: `#${name}`, "aria-current": at === name || beneath.includes(at) ? "page" : null }, svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: icon })), h("span", {}, t(`tab.${name || "home"}`)),
        waits ? h("b", { class: "count" }, h("span", { "aria-hidden": "true" }, String(waits[0])), h("span", { class: "sr" }, waits[1])) : null);
    }));
  }
  async function make(fresh) {
    const [name, ...rest] = location.hash.slice(1).split("/");
    try {
      return await (screens[name] || screens[""])(decodeURIComponent(rest.join("/")), fresh);
    } catch (wrong) {
      return [h("h1", {}, t("wrong")), h("p", {}, wrong.words ?? String(wrong)), h("a", { class: "go", href: "#" }, t("tab.home"))];
    }
  }
  const draw = screen(make, (main) => {
    bar();
    document.title = `${main.querySelector("h1")?.textContent || ""} · ${title}`;
  });
  return { bar, draw };
}

/** Open an app: ``ready`` has what its first screen needs, ``moved`` hears of every screen that was gone to. */
export async function open(draw, ready, moved = () => {}) {
  await speak(language);
  frame(draw);
  await ready();
  await draw();
  moved();
  addEventListener("hashchange", () => { document.querySelector(".banner.passing")?.remove(); draw(true); moved(); });
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
}
