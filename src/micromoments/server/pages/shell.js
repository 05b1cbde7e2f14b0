// The shell: who may look, which view the address names, and the way from one to the next.

import { ask, isDemo, signIn, signOut, unreached } from "./api.js";
import { byId, el } from "./base.js";
import { failed } from "./frame.js";

const GROUPS = [
  ["Are we there?", [["live", "Live"], ["today", "Today"], ["scorecards", "Scorecards"], ["missed", "Missed"], ["journeys", "Journeys"]]],
  ["What do they need?", [["needs", "Needs"], ["unmet", "Unmet"], ["pain", "Pain points"], ["preferences", "Preferences"]]],
  ["What did it bring?", [["decisions", "Decisions"], ["items", "Items"], ["experiments", "Experiments"], ["people", "People"]]],
  ["Change", [["catalogue", "Catalogue"], ["control", "Switches"], ["deliveries", "Deliveries"]]],
  ["Can we trust it?", [["health", "Health"], ["reports", "Reports"], ["audit", "Audit"]]],
];
const VIEWS = GROUPS.flatMap(([, views]) => views);
const MORE = { decision: "decisions", behind: "", draft: "unmet" };
const KEPT = ["range", "from", "to", "type", "channel", "device", "place"];
let live = null;
let turn = 0;

/** The address of a view: what is looked at goes along, unless it starts afresh with the stretch of time alone. */
export function address(view, params) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "" && value !== undefined && value !== null));
  return `#/${view}${query.size ? `?${query}` : ""}`;
}

function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const known = VIEWS.some(([name]) => name === path) || path in MORE;
  return { name: known ? path : "live", params: Object.fromEntries(new URLSearchParams(query)) };
}

async function route() {
  const { name, params } = read();
  const mine = ++turn;
  const tab = MORE[name] ?? name;
  for (const link of byId("nav").querySelectorAll("a")) {
    if (link.dataset.view === tab) {
      link.setAttribute("aria-current", "page");
      const nav = byId("nav");
      nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    } else link.removeAttribute("aria-current");
    const time = Object.fromEntries(["range", "from", "to"].map((key) => [key, params[key]]));
    link.href = address(link.dataset.view, link.dataset.view === "live" ? {} : time);
  }
  byId("live-view").hidden = name !== "live";
  byId("pause").hidden = name !== "live";
  document.body.classList.toggle("elsewhere", name !== "live");
  const view = byId("view");
  delete view.dataset.ready;
  view.hidden = name === "live";
  if (name === "live") {
    view.replaceChildren();
    document.title = "Micromoments";
    live ??= import("./live.js").then((module) => module.start());
    return live.catch((error) => (byId("state-text").textContent = error.message));
  }
  const go = (changes) => {
    const next = address(name, { ...params, ...changes });
    if (next === location.hash) return route();
    location.hash = next;
    return undefined;
  };
  const link = (to, extra, fresh = false) => address(to, { ...Object.fromEntries((fresh ? KEPT.slice(0, 3) : KEPT).map((key) => [key, params[key]])), ...extra });
  const focused = document.activeElement?.closest?.("#view label")?.textContent;
  const came = view.dataset.view !== name;
  try {
    const module = await import(`./views/${name}.js`).catch((error) => Promise.reject(error instanceof TypeError ? unreached() : error));
    if (mine !== turn) return undefined;
    view.dataset.view = name;
    const heading = el("h1", { tabindex: "-1" }, module.title);
    document.title = `${module.title}, Micromoments`;
    view.replaceChildren(el("div", { class: "title" }, heading));
    const done = module.show(view, params, go, link);
    if (came) {
      scrollTo(0, 0);
      heading.focus({ preventScroll: true });
    } else if (focused) {
      [...view.querySelectorAll("label")].find((one) => one.textContent === focused)?.querySelector("select, input")?.focus({ preventScroll: true });
    }
    await done;
    if (mine !== turn) return undefined;
    view.dataset.ready = location.hash; // which address is drawn, whole
    byId("routed").textContent = `${module.title}: ready`;
  } catch (error) {
    if (mine === turn) view.replaceChildren(failed(error, route));
  }
  return undefined;
}

function theme() {
  byId("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("theme", dark ? "light" : "dark");
  });
}

/** Shows the sign-in; resolves once a key was taken. */
function askKey() {
  byId("key").hidden = false;
  document.body.classList.add("locked");
  byId("state").className = "state refused";
  byId("state-text").textContent = "Key needed";
  byId("key-input").focus();
  return new Promise((done) => {
    byId("key-form").onsubmit = async (event) => {
      event.preventDefault();
      byId("key-wrong").textContent = "";
      try {
        await signIn(byId("key-input").value, byId("key-name").value);
        byId("key-input").value = "";
        byId("key").hidden = true;
        document.body.classList.remove("locked");
        done();
      } catch (error) {
        byId("key-wrong").textContent = error.status === 401 ? "That is not a secret key of this server." : error.message;
      }
    };
  });
}

async function begin() {
  theme();
  byId("simulated").hidden = !isDemo;
  byId("nav-list").replaceChildren(...GROUPS.map(([asks, views]) => el("li", { class: "nav-group" }, el("span", { class: "nav-asks" }, asks),
    el("ul", {}, views.map(([name, words]) => el("li", {}, el("a", { href: address(name, {}), "data-view": name }, words)))))));
  const session = await ask("v1/session").catch((error) => (error.status ? { keyNeeded: false, signedIn: true } : Promise.reject(error)));
  document.body.classList.toggle("keyed", Boolean(session.keyNeeded) && !isDemo);
  if (!session.signedIn) await askKey();
  const out = byId("sign-out");
  out.hidden = !session.keyNeeded;
  out.addEventListener("click", async () => {
    await signOut();
    location.reload();
  });
  byId("skip").addEventListener("click", () => (document.querySelector("#view:not([hidden]) h1") || byId("moments")).focus());
  addEventListener("signed-out", () => location.reload(), { once: true });
  addEventListener("hashchange", route);
  const said = (how, words) => {
    byId("state").className = `state ${how}`;
    byId("state-text").textContent = words;
  };
  const connected = () => said("open", session.name ? `Good to see you, ${session.name}` : "Connected");
  addEventListener("away", () => said("lost", "Server away"));
  addEventListener("back", connected);
  connected();
  await route();
}

begin().catch((error) => {
  byId("state").className = "state lost";
  byId("state-text").textContent = error.message;
});
