// What serving was worth, in one sentence beside the truth; and the four scorecards.

import { ask } from "./api.js";
import { byId, el, lasting, more, percent, signed, svg, whole } from "./base.js";

const EVERY = 4000;

export class Scores {
  constructor() {
    this.known = { lift: null, cards: null, truth: null, forward: null };
  }

  /** The demo's fourteen days: the lift is asked for these, so that it can stand beside the simulator's truth. */
  forward(span) {
    this.known.forward = span;
  }

  truth(truth) {
    this.known.truth = truth;
    if (this.known.lift) this.sentence();
  }

  async watch() {
    for (;;) {
      if (!byId("live-view").hidden) await this.read();
      await new Promise((done) => setTimeout(done, document.hidden ? 4 * EVERY : EVERY));
    }
  }

  async read() {
    const { forward } = this.known;
    const span = forward ? `?goal=order&from=${forward.from}&to=${forward.to}` : "";
    try {
      const [lift, cards] = await Promise.all([ask(`v1/reports/lift${span}`), ask("v1/reports/scorecards")]);
      this.known.lift = lift;
      this.known.cards = cards;
      this.sentence();
      this.scorecards();
    } catch (error) {
      if (!this.known.lift) byId("worth-title").textContent = error.status ? `No report: ${error.message}` : "Waiting for the server.";
    }
  }

  sentence() {
    const lift = liftOf(this.known.lift);
    if (!lift) {
      byId("worth-title").textContent = "Nothing has been served yet.";
      byId("worth-fine").textContent = "What serving is worth shows here from the first decision (POST /v1/decide) on, once the slot has a holdout.";
      return;
    }
    const { truth, forward } = this.known;
    const days = forward ? "Over fourteen days" : "So far";
    const title = byId("worth-title");
    if (lift.verdict === "none") {
      title.replaceChildren("Served, but not compared yet.");
      byId("worth-fine").textContent = lift.sentence;
      return;
    }
    const early = lift.verdict === "early" || lift.low === null || lift.high === null;
    if (early) {
      title.replaceChildren(lift.needed ? `What serving was worth can't be told yet: it takes ${lift.needed}.` : "What serving was worth can't be told yet.");
    } else if (lift.verdict === "doubtful") {
      title.replaceChildren("What serving was worth can't be told: the groups haven't the sizes that were meant.");
    } else if (lift.verdict === "unclear") {
      title.replaceChildren(`${days}, serving by moment can't yet be told from the popular list.`);
    } else {
      const size = Math.abs(lift.difference);
      const what = `${size.toFixed(2)} ${lift.difference >= 0 ? "more" : "fewer"} ${plural(lift.goal)} a person`;
      title.replaceChildren(`${days}, serving by moment brought `, el("strong", {}, what), " than the popular list.");
    }
    byId("scale").replaceChildren(...(early ? [] : [scale(lift, truth)]));
    const parts = [];
    if (!early) {
      const relative = lift.relative === null ? "" : ` (${signed(lift.relative)})`;
      parts.push(`${lift.treated_mean.toFixed(2)} against ${lift.control_mean.toFixed(2)}${relative}, 95 % interval ${more(lift.low)} to ${more(lift.high)}, safe to look at as often as you like`);
    }
    parts.push(`${whole(lift.treated)} people served, ${whole(lift.control)} held out by hash`);
    if (truth) parts.push(`the simulator, which knows everyone's taste and lived the same days with the popular list, puts it at ${more(truth.served - truth.listed)}`);
    else if (forward) parts.push("the simulator is living the same days with the popular list, to tell the truth beside it");
    byId("worth-fine").replaceChildren(`${parts.join("; ")}. `, el("a", { href: "#/experiments?range=all" }, "What is compared"));
  }

  scorecards() {
    byId("scorecards").replaceChildren(...cardsOf(this.known.cards).map(card));
  }
}

/** The interval on a line, with the estimate and the truth, in goals a person. */
function scale(lift, truth) {
  const real = truth ? truth.served - truth.listed : 0;
  const values = [0, lift.low, lift.high, real];
  const pad = 0.06 * (Math.max(...values) - Math.min(...values)) || 1;
  const low = Math.min(...values) - pad;
  const high = Math.max(...values) + pad;
  const x = (v) => ((v - low) / (high - low)) * 100;
  const tick = (v, cls, words) => at(el("span", { class: `tick ${cls}` }, words), x(v));
  return el("div", { class: "scale-in" },
    svg("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("line", { class: "axis", x1: 0, x2: 100, y1: 7, y2: 7 }),
      svg("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: 14 }),
      svg("rect", { class: "interval", x: x(lift.low), width: x(lift.high) - x(lift.low), y: 4.5, height: 5 })),
    tick(lift.difference, "estimate", `measured ${more(lift.difference)}`),
    tick(0, "nothing", "no difference"),
    truth && tick(real, "truth", `truth ${more(real)}`));
}

function at(node, share) {
  node.style.left = `${share}%`;
  // Beyond that a label doesn't fit on its right where the line is as narrow as a phone.
  node.classList.toggle("right", share > 60);
  return node;
}

function card({ name, value, says, lines, anchor }) {
  return el("article", { class: "score" },
    el("h3", {}, name),
    el("p", { class: "value" }, el("a", { href: "#/scorecards?range=all", title: "What is behind this number" }, value)),
    el("p", { class: "says" }, says),
    el("dl", {}, lines.map(([what, much]) => [el("dt", {}, what), el("dd", {}, much)])),
    anchor && el("p", { class: "anchor" }, anchor));
}

/** What a lift report compares: orders a person in the home slot, or the first slot that has anyone held out. */
function liftOf(report) {
  const rows = report?.rows || [];
  const row = rows.find((r) => r.proof && r.slot === "home") || rows.find((r) => r.proof) || rows[0];
  if (!row) return null;
  const times = (row.comparisons || []).find((c) => c.metric === "times");
  return times ? { ...times, goal: row.goal, warnings: row.warnings } : { verdict: "none", sentence: row.sentence };
}

const CARDS = {
  "be there": ["Be there", "be_there", "goals_preceded"],
  "be useful": ["Be useful", "useful", "goals_per_person"],
  "be quick": ["Be quick", "moment_to_decision", "to_goal"],
  "connect the dots": ["Connect the dots", "crossed", "goals_across"],
};

/** The four scorecards: a headline figure each, the others below it, and the anchored one that recognition can't move. */
function cardsOf(report) {
  const figures = new Map((report?.figures || []).map((f) => [f.name, f]));
  return Object.entries(CARDS).map(([card, [name, head, anchor]]) => {
    const first = figures.get(head);
    const anchored = figures.get(anchor);
    const others = [...figures.values()].filter((f) => f.card === card && f.name !== head && !f.anchored);
    return {
      name,
      value: shown(first),
      says: first ? counted(first) : "",
      lines: others.map((f) => [f.title, shown(f)]),
      anchor: anchored ? `Anchored: ${lower(anchored.title)}, ${shown(anchored)}` : null,
    };
  });
}

function shown(figure) {
  if (!figure || figure.value === null || figure.value === undefined) return "–";
  if (figure.unit === "share") return percent(figure.value);
  if (figure.unit === "milliseconds") return lasting(figure.value / 1000);
  return figure.value.toFixed(2);
}

const lower = (words) => words.charAt(0).toLowerCase() + words.slice(1);

function counted(figure) {
  if (figure.unit === "milliseconds") return `${lower(figure.title)}, median of ${whole(figure.count)}; 95th percentile ${figure.p95 === null ? "–" : lasting(figure.p95 / 1000)}`;
  return figure.of === null ? lower(figure.title) : `${lower(figure.title)}: ${whole(figure.count)} of ${whole(figure.of)}`;
}

/** A goal's name as the sentence has it: orders, visits. */
function plural(goal) {
  return `${(goal || "goal").replace(/_/g, " ")}s`;
}
