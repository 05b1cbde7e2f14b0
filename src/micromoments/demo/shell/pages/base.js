// What every screen of every app uses: texts, elements, money, time, and talking to the server.

export const LANGUAGES = ["en", "de"];
const KEPT = `${document.documentElement.dataset.app}-language`;
let texts = {};
export let language = localStorage.getItem(KEPT) || (navigator.language.startsWith("de") ? "de" : "en");

/** The person's own form of the language, for dates and money. */
const locale = () => navigator.languages.find((one) => one.startsWith(language)) || (language === "en" ? "en-GB" : language);

export async function speak(chosen) {
  language = LANGUAGES.includes(chosen) ? chosen : "en";
  localStorage.setItem(KEPT, language);
  texts = await (await fetch(`texts/${language}.json`)).json();
  document.documentElement.lang = language;
}

/** A text of the catalogue, with its {places} filled. */
export function t(key, values = {}) {
  const text = texts[key];
  return text === undefined ? key : text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
export const has = (key) => key in texts;

/** An element: h("p", {class: "x", onclick: f}, ...children). */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export const money = (cents) => new Intl.NumberFormat(locale(), { style: "currency", currency: "EUR" }).format(cents / 100);
/** A share, such as 12 %; with its sign where it is a change. */
export const percent = (share, signed = false) => new Intl.NumberFormat(locale(), { style: "percent", signDisplay: signed ? "exceptZero" : "auto" }).format(share);
let zone; // the browser's own, unless the app is at home in one
export const live = (name) => { zone = name; };
export const clock = (at) => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(at);
export const day = (at) => new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", timeZone: zone }).format(at);
export const minutes = (seconds) => t("minutes", { n: Math.max(1, Math.round(seconds / 60)) });
export const when = (at) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(at);
export const metres = (m) => (m < 950 ? t("metres", { n: Math.round(m / 10) * 10 }) : t("kilometres", { n: new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(m / 1000) }));

export class Trouble extends Error {
  constructor(status, said) {
    super(said.detail || "");
    this.status = status;
    this.said = said;
    this.code = said.code || "";
  }
  /** In the person's language where there are words for it, else the server's own. */
  get words() {
    return has(`wrong.${this.code}`) ? t(`wrong.${this.code}`) : this.message || t("wrong.away");
  }
}

/** One call; what is tried again after a lost answer carries the same key. */
export async function api(path, body, key) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  for (let tries = 0; ; tries += 1) {
    try {
      const reply = await fetch(`api/${path}`, { method: body === undefined ? "GET" : "POST", headers, body: body === undefined ? undefined : JSON.stringify(body) });
      const said = await reply.json();
      if (reply.status === 503 && tries < 20) throw new TypeError("away");
      if (!reply.ok && reply.status !== 402) throw new Trouble(reply.status, said);
      return said;
    } catch (wrong) {
      if (wrong instanceof Trouble || tries >= 20 || (body !== undefined && !key && tries > 3)) throw wrong instanceof Trouble ? wrong : new Trouble(0, { code: "away" });
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}

export const newKey = () => crypto.randomUUID();
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = "";
  setTimeout(() => { said.textContent = text; }, 30);
}
