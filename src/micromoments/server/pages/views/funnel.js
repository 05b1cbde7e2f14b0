// How a decision came about, drawn: considered, refused and why, scored, chosen. For receipts and previews.

import { el, mark, percent } from "../base.js";
import { table } from "../frame.js";

const WHY = {
  quiet_hours: "it is their quiet hours", not_asked: "not among the items asked for", wrong_kind: "a kind that the slot doesn't take", wrong_category: "a category that the slot doesn't take", not_valid_yet: "not valid yet", expired: "no longer valid",
  out_of_stock: "out of stock", closed: "closed now", personal_price: "a personal price", protected_trait: "chosen by a protected trait", no_consent: "no consent for it", targeting: "meant for others", dismissed: "they waved it away", already_bought: "they have it already",
  exclusive: "another campaign excludes it", cap: "shown often enough", budget: "its budget is spent", rule: "a merchandiser's rule",
};

export function funnel(d) {
  const steps = [["considered", d.considered, "items that fit the moment"], ["refused", d.refused.length, "could not be served"], ["scored", d.scored.length, "ranked by the policy"], ["chosen", d.items.length, d.holdout ? "shown: held out, the popular list" : "served"]];
  const top = Math.max(1, ...steps.map(([, n]) => n));
  return el("ol", { class: "funnel", "aria-label": "From considered to chosen" }, steps.map(([name, n, words]) => {
    const fill = el("span", { class: `fill ${name}`, "aria-hidden": "true" });
    fill.style.width = `${(100 * n) / top}%`;
    return el("li", {}, el("span", { class: "name" }, name), el("span", { class: "track", "aria-hidden": "true" }, fill), el("b", { "data-step": name }, String(n)), el("span", { class: "fine" }, words));
  }));
}

export function chosen(d) {
  if (!d.items.length) return el("p", { class: "empty" }, "Nothing was served.");
  return el("ol", { class: "chosen" }, d.items.map((i) => el("li", {}, el("span", { class: "kind" }, i.kind), el("b", {}, i.title), el("span", { class: "fine" }, ` ${i.id}, chance ${percent(i.propensity, 1)}`), i.reasons.length ? el("p", { class: "reasons" }, i.reasons.join(" · ")) : null)));
}

export function scored(d) {
  const kept = new Set(d.items.map((i) => i.id));
  const columns = [{ name: "id", title: "item", show: (s) => (kept.has(s.id) ? el("b", {}, s.id) : s.id) }, { name: "score", num: true, show: (s) => s.score.toFixed(3) }, { name: "propensity", title: "chance of the first place", num: true, show: (s) => percent(s.propensity, 1) }, { name: "chosen", show: (s) => (kept.has(s.id) ? "yes" : "") }];
  return d.scored.length ? table("What was scored", columns, d.scored, { most: 30 }) : null;
}

export function refused(d) {
  const groups = Map.groupBy ? Map.groupBy(d.refused, (r) => r.code) : d.refused.reduce((m, r) => m.set(r.code, [...(m.get(r.code) || []), r]), new Map());
  const rows = [...groups].sort((a, b) => b[1].length - a[1].length);
  if (!rows.length) return el("p", { class: "fine" }, "Nothing was refused.");
  return el("div", { class: "refused" }, rows.map(([code, some]) => el("details", {}, el("summary", {}, el("b", {}, String(some.length)), ` ${WHY[code] || code.replaceAll("_", " ")}`, el("code", {}, code)),
    el("ul", {}, some.slice(0, 50).map((r) => el("li", {}, el("span", { class: "mono" }, r.id), r.detail ? ` ${r.detail}` : "")), some.length > 50 ? el("li", {}, `and ${some.length - 50} more`) : null))));
}

export function probabilities(moment) {
  return el("ul", { class: "probabilities", "aria-label": "How sure" }, Object.entries(moment.probabilities).map(([type, p]) => {
    const fill = el("span", { class: `fill ${type}`, "aria-hidden": "true" });
    fill.style.width = `${100 * p}%`;
    return el("li", {}, mark(type, 14), el("span", {}, type), el("span", { class: "track", "aria-hidden": "true" }, fill), el("span", { class: "share" }, percent(p)));
  }));
}
