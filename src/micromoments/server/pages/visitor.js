// The visitor as a consumer: what they type is read by the keystroke, served, explained, corrected and forgotten.

import { ask } from "./api.js";
import { TYPES, byId, el, evidenceOf, mark, percent } from "./base.js";

const EXAMPLES = ["how to fix a leaking tap", "cheap tap repair kit", "coffee near me open now", "why does my tap drip"];
const KEPT = "micromoments-visitor";
const LISTEN = 90;
const SETTLE = 1400;

function visitorId() {
  let id = sessionStorage.getItem(KEPT);
  if (!id) {
    id = `visitor-${crypto.randomUUID ? crypto.randomUUID() : Math.random().toString(36).slice(2)}`;
    sessionStorage.setItem(KEPT, id);
  }
  return id;
}

export class Visitor {
  constructor(context, onMoment) {
    this.context = context;
    this.onMoment = onMoment;
    this.id = visitorId();
    this.turn = 0;
    this.stopped = false;
    this.bars = {};
    this.input = byId("try-input");
    this.answer = byId("answer");
    this.draw();
    this.input.addEventListener("input", () => this.typed());
    byId("try-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.said();
    });
    for (const words of EXAMPLES) {
      byId("examples").append(el("button", { type: "button", class: "chip", onclick: () => this.play(words) }, words));
    }
  }

  draw() {
    const rows = Object.keys(TYPES).map((type) => {
      const bar = el("span", { class: `fill ${type}` });
      const share = el("span", { class: "share" }, "–");
      this.bars[type] = { bar, share };
      return el("div", { class: "bar-row" }, mark(type, 18), el("span", { class: "bar-name" }, type), el("span", { class: "track" }, bar), share);
    });
    byId("bars").replaceChildren(...rows);
  }

  /** Type an example as a person would, so that the bars can be watched. */
  async play(words) {
    const turn = ++this.turn;
    this.input.value = "";
    this.input.focus();
    for (const letter of words) {
      if (turn !== this.turn) return;
      this.input.value += letter;
      this.read(this.input.value);
      await new Promise((done) => setTimeout(done, 45));
    }
    this.said();
  }

  typed() {
    this.turn++;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.read(this.input.value), LISTEN);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.said(), SETTLE);
  }

  /** Ask what the words so far speak for: one request in the air at a time, the newest words win. */
  async read(text) {
    this.words = text;
    if (this.asking) return;
    this.asking = true;
    try {
      let read;
      do {
        read = this.words;
        this.show(read.trim() ? await this.decide(read) : null, read);
      } while (read !== this.words);
    } catch (error) {
      this.tell(`No answer: ${error.message}`);
    } finally {
      this.asking = false;
    }
  }

  decide(query) {
    const context = { ...this.context(), ...(query ? { query } : {}) };
    return ask("v1/decide", { anonymousId: this.id, slot: "search", limit: 3, context });
  }

  /** The words are settled: now they are an event like any other, and a moment of the visitor's own opens. */
  async said() {
    clearTimeout(this.later);
    const query = this.input.value.trim();
    if (!query || query === this.sent || this.stopped) return;
    this.sent = query;
    await this.event("Products Searched", { query });
    this.onMoment(this.id);
  }

  event(name, properties) {
    return ask("v1/track", { anonymousId: this.id, event: name, properties, context: this.context(), messageId: `${this.id}-${Date.now()}-${Math.floor(Math.random() * 1e6)}` });
  }

  show(decision, text) {
    const moment = decision?.moment || null;
    for (const [type, { bar, share }] of Object.entries(this.bars)) {
      const p = moment?.probabilities?.[type] ?? 0;
      bar.style.transform = `scaleX(${p})`;
      share.textContent = decision ? percent(p) : "–";
    }
    const top = moment && TYPES[moment.type] ? moment.type : null;
    byId("bars").setAttribute("aria-label", top ? Object.keys(this.bars).map((t) => `${t} ${percent(moment.probabilities[t])}`).join(", ") : "No moment yet");
    byId("telling").replaceChildren(...(text.trim() ? lit(text, decision?.telling || []) : []));
    this.answer.replaceChildren(...(decision ? this.cards(decision) : []));
    this.announce(top ? `This reads as a ${top} moment. ${decision.items[0] ? `First answer: ${decision.items[0].title}.` : ""}` : "");
  }

  /** What a screen reader says: the answer that stands, once the keystrokes rest. */
  announce(words) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      byId("try-said").textContent = words;
    }, LISTEN * 4);
  }

  cards(decision) {
    const [first, ...others] = decision.items;
    if (!first) return [el("p", { class: "empty" }, "Nothing fits these words.")];
    return [
      answer(first),
      others.length ? list(others) : null,
      el("div", { class: "acts" },
        el("button", { type: "button", class: "quiet", "aria-expanded": "false", onclick: (e) => this.why(e.currentTarget, decision, first) }, "Why this?"),
        decision.moment && el("button", { type: "button", class: "quiet", onclick: () => this.wrong(decision) }, "Wrong moment"),
        el("button", { type: "button", class: "quiet", onclick: () => this.stop() }, this.stopped ? "Turn it on again" : "Stop")),
      this.stopped && el("p", { class: "off" }, "Personalisation is off: this goes by the words in the box alone."),
      el("div", { class: "more", id: "more" }),
    ].filter(Boolean);
  }

  async why(button, decision, item) {
    const more = byId("more");
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) return more.replaceChildren();
    const evidence = decision.moment ? evidenceOf(decision.moment).map((one) => one.text) : [];
    const lines = [...reasonsOf(item).map((reason) => `${upper(reason)}.`), ...evidence.map((one) => `Seen: ${one}.`)];
    let tail = "";
    try {
      const whole = await ask(`v1/decisions/${encodeURIComponent(decision.decisionId)}`);
      const left = Array.isArray(whole.refused) ? whole.refused.length : 0;
      const all = typeof whole.considered === "number" ? whole.considered : 0;
      tail = `${all} things were considered${left ? `, ${left} could not be served` : ""}; this one came first with a chance of ${percent(item.propensity)}.`;
    } catch (error) {
      tail = error.message;
    }
    more.replaceChildren(el("ul", {}, lines.map((line) => el("li", {}, line))), el("p", { class: "fine" }, tail));
    return undefined;
  }

  async wrong(decision) {
    const more = byId("more");
    const choose = async (type) => {
      await this.event("Moment Corrected", { moment_id: await this.momentId(decision), ...(type ? { correct_type: type } : {}) });
      await this.event("Decision Dismissed", { decision_id: decision.decisionId, item_id: decision.items[0]?.id });
      this.sent = this.input.value.trim();
      const now = await this.decide("");
      this.show(null, "");
      this.answer.replaceChildren(
        el("p", { class: "off" }, `Thank you. That moment is closed${type ? `, and it is noted that a ${type} moment was meant` : ""}. Without it you would be served:`),
        list(now.items));
      this.announce("Thank you. That moment is closed.");
    };
    const others = Object.keys(TYPES).filter((type) => type !== decision.moment.type);
    more.replaceChildren(
      el("p", {}, "What is it then?"),
      el("div", { class: "acts" }, others.map((type) => el("button", { type: "button", class: "quiet", onclick: () => choose(type) }, TYPES[type].says)), el("button", { type: "button", class: "quiet", onclick: () => choose("") }, "none of these")));
  }

  /** The moment that these words opened, once they were sent; else the one that is only being typed. */
  async momentId(decision) {
    await this.said();
    try {
      const { moments } = await ask(`v1/people/${encodeURIComponent(`anon:${this.id}`)}/moments`);
      return moments?.[0]?.id || decision.moment.id;
    } catch {
      return decision.moment.id;
    }
  }

  async stop() {
    this.stopped = !this.stopped;
    await this.event("Consent Updated", { personalise: !this.stopped });
    this.sent = "";
    if (!this.stopped) return this.read(this.input.value);
    const general = await this.decide("");
    this.show(null, "");
    this.answer.replaceChildren(
      el("p", { class: "off" }, "Personalisation is off, and what was known of you is gone. Everyone gets this general list:"),
      list(general.items),
      el("div", { class: "acts" }, el("button", { type: "button", class: "quiet", onclick: () => this.stop() }, "Turn it on again")));
    this.announce("Personalisation is off.");
    return undefined;
  }

  tell(words) {
    this.answer.replaceChildren(el("p", { class: "wrong" }, words));
  }
}

/** The words, with those lit up that tell, in the colour of what they speak for. */
function lit(text, telling) {
  const marks = [];
  for (const { word, type } of telling) {
    const whole = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const at = text.toLowerCase().search(new RegExp(`(?<![\\p{L}\\p{N}])${whole}(?![\\p{L}\\p{N}])`, "u"));
    if (at >= 0 && !marks.some((m) => at < m.to && at + word.length > m.at)) marks.push({ at, to: at + word.length, type });
  }
  marks.sort((a, b) => a.at - b.at);
  const out = [];
  let here = 0;
  for (const { at, to, type } of marks) {
    out.push(text.slice(here, at), el("mark", { class: type }, text.slice(at, to)));
    here = to;
  }
  out.push(text.slice(here));
  return out;
}

/** Why an item is there; that it matches words which it answers needn't be said. */
const reasonsOf = ({ reasons }) => reasons.filter((one) => !reasons.includes(one.replace(/^matches /, "answers ")) || !one.startsWith("matches "));

const upper = (words) => words.charAt(0).toUpperCase() + words.slice(1);

function answer(item) {
  const a = item.attributes || {};
  const price = money(item.price || a.price);
  const facts = [item.kind, a.minutes && `${a.minutes} minutes`, price, a.street].filter(Boolean).join(" · ");
  const steps = Array.isArray(a.steps) ? el("ol", { class: "steps" }, a.steps.map((step) => el("li", {}, step))) : null;
  return el("article", { class: "first" }, el("p", { class: "fine" }, facts), el("h3", {}, item.title), steps, !steps && a.text ? el("p", {}, a.text) : null,
    item.reasons?.length ? el("p", { class: "reasons" }, reasonsOf(item).slice(0, 3).join(" · ")) : null);
}

function list(items) {
  return el("ul", { class: "others" }, items.map((item) => el("li", {}, el("span", { class: "kind" }, item.kind), item.title)));
}

function money(price) {
  const [amount, currency] = Array.isArray(price) ? price : [price?.amount, price?.currency];
  if (typeof amount !== "number" || !currency) return null;
  const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  return new Intl.NumberFormat("en", { style: "currency", currency }).format(amount / 10 ** digits);
}
