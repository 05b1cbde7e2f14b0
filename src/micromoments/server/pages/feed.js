// The moments in words: newest first, each with its evidence, what was served, and how it ended.

import { el, evidenceOf, mark, needOf, TYPES } from "./base.js";

const MOST = 12;
const SAY_EVERY = 8000;
const ENDED = { fulfilled: "fulfilled", expired: "ran out", abandoned: "left in the middle" };
const CAME = { clicked: "opened it", dismissed: "waved it away", seen: "saw it" };
const GOALS = { order: "ordered", visit: "went there", guide: "did it", read: "read it" };

export class Feed {
  constructor(list, said, nameOf) {
    this.list = list;
    this.said = said;
    this.nameOf = nameOf;
    this.cards = new Map();
    this.byDecision = new Map();
    this.paused = false;
    this.saidAt = 0;
    this.empty = el("li", { class: "empty" }, "No moment yet. They appear here as they open.");
    list.replaceChildren(this.empty);
  }

  moment({ moment, person, change, simulated }) {
    let card = this.cards.get(moment.id);
    if (change === "withdrawn") {
      if (card) this.drop(card);
      return;
    }
    if (!card) {
      if (this.paused || moment.ended || !TYPES[moment.type]) return;
      card = { id: moment.id, person, items: null, outcomes: new Set(), simulated: Boolean(simulated) };
      card.node = el("li", { class: "card" });
      this.cards.set(moment.id, card);
      this.empty.remove();
      this.list.prepend(card.node);
      this.say(`${this.nameOf(person)} ${doing(this.nameOf(person), moment.type)}: ${needOf(moment) || "not said"}`);
    }
    card.moment = moment;
    this.draw(card);
    this.trim();
  }

  serve(decision) {
    const card = this.cards.get(decision.momentId);
    if (!card) return;
    card.items = decision.items;
    card.holdout = decision.holdout;
    card.decision = decision.decisionId;
    this.byDecision.set(decision.decisionId, card);
    this.draw(card);
  }

  outcome(outcome) {
    const card = this.byDecision.get(outcome.decisionId);
    if (!card || !card.node.isConnected) return;
    const words = outcome.what === "goal" ? GOALS[outcome.goal] || outcome.goal : CAME[outcome.what];
    if (!words) return;
    if (words !== "saw it") card.outcomes.delete("saw it");
    card.outcomes.add(words);
    this.draw(card);
  }

  draw(card) {
    const { moment } = card;
    const type = TYPES[moment.type] ? moment.type : "none";
    const sure = moment.probabilities?.[moment.type] ?? moment.confidence;
    const why = evidenceOf(moment).slice(0, 3);
    card.node.className = `card ${type} ${moment.ended || "open"}`;
    card.node.replaceChildren(
      el("div", { class: "line" },
        mark(type, 20),
        el("p", { class: "who" }, el("b", {}, this.nameOf(card.person)), ` ${doing(this.nameOf(card.person), type)}`),
        el("span", { class: "sure", title: "How sure" }, `${Math.round(100 * sure)}\u202f%`)),
      el("p", { class: "need" }, needOf(moment) || "not said yet"),
      el("ul", { class: "why", "aria-label": "Because" }, why.map((one) => el("li", {}, one.text))),
      served(card),
      ending(card),
    );
  }

  /** Names became known: put them where an id stands. */
  named() {
    for (const card of this.cards.values()) {
      const name = card.node.querySelector(".who b");
      if (name && name.textContent !== this.nameOf(card.person)) name.textContent = this.nameOf(card.person);
    }
  }

  trim() {
    while (this.list.children.length > MOST) {
      const last = this.list.lastElementChild;
      const card = [...this.cards.values()].find((one) => one.node === last);
      if (card) this.drop(card);
      else last.remove();
    }
  }

  drop(card) {
    card.node.remove();
    this.cards.delete(card.id);
    if (card.decision) this.byDecision.delete(card.decision);
  }

  /** Tell screen readers now and then, not every time. */
  say(words) {
    const now = Date.now();
    if (now - this.saidAt < SAY_EVERY) return;
    this.saidAt = now;
    this.said.replaceChildren(el("p", {}, words));
  }
}

/** "wants to buy", or of the visitor "want to buy". */
function doing(name, type) {
  const says = TYPES[type]?.says || "looks around";
  return name === "You" ? says.replace(/s /, " ") : says;
}

function served(card) {
  if (!card.items) return el("p", { class: "served waiting" }, "listening");
  const first = card.items[0];
  if (!first) return el("p", { class: "served waiting" }, "nothing to serve");
  const title = el("a", { class: "title", href: `#/decision?id=${encodeURIComponent(card.decision)}`, title: "Its receipt: why this, and what came of it" }, first.title);
  if (card.holdout) return el("p", { class: "served" }, el("span", { class: "how" }, "held out, popular list"), title);
  return el("p", { class: "served" }, el("span", { class: "how" }, `served ${/^[aeiou]/.test(first.kind) ? "an" : "a"} ${first.kind}`), title);
}

function ending(card) {
  const words = [...card.outcomes];
  if (card.moment.ended) words.push(ENDED[card.moment.ended] || card.moment.ended);
  return el("p", { class: "ending" }, el("span", {}, words.length ? words.join(" · ") : "open"), card.simulated && el("span", { class: "sim" }, "simulated"));
}
