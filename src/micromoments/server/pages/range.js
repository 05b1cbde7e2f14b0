// The stretch of time and the segment that a view looks at. All of it stands in the address, so that it can be shared.

import { el } from "./base.js";

export const RANGES = { "24h": ["Last 24 hours", 1], "7d": ["Last 7 days", 7], "28d": ["Last 28 days", 28], "90d": ["Last 90 days", 90], all: ["Everything", 0] };
const DAY = 86_400_000;

/** The report parameters of an address: `from`, `to`, `segment`; and those of as long a stretch before. */
export function stretch(params) {
  const segment = ["type", "channel", "device", "place"].filter((name) => params[name]).map((name) => `${name}:${params[name]}`).join(",");
  if (params.from || params.to) {
    const [from, to] = [params.from ? Date.parse(params.from) : 0, params.to ? Date.parse(params.to) : Date.now()];
    const own = { from: params.from || "", to: params.to || "", segment };
    return { own, before: from ? { from: 2 * from - to, to: from, segment } : null, words: "the stretch before" };
  }
  const [words, days] = RANGES[params.range] || RANGES["28d"];
  if (!days) return { own: { segment }, before: null, words: "" };
  const to = Math.ceil(Date.now() / 60_000) * 60_000;
  const from = to - days * DAY;
  return { own: { from, to, segment }, before: { from: from - days * DAY, to: from, segment }, words: `the ${words.replace("Last ", "")} before` };
}

/** The controls; `go` is called with what changed. `parts` says which segments make sense in the view. */
export function controls(params, go, { parts = ["type", "channel", "device"], more = [] } = {}) {
  const range = pick("Time", { ...Object.fromEntries(Object.entries(RANGES).map(([k, [w]]) => [k, w])), own: "Dates …" }, params.from || params.to ? "own" : params.range || "28d", (value) => {
    if (value === "own") dates.hidden = false;
    else go({ range: value, from: "", to: "" });
  });
  const from = el("input", { type: "date", value: params.from || "", "aria-label": "From" });
  const to = el("input", { type: "date", value: params.to || "", "aria-label": "To, not counted" });
  const dates = el("span", { class: "dates" }, from, " to ", to, el("button", { type: "button", class: "quiet small", onclick: () => go({ from: from.value, to: to.value, range: "" }) }, "Show"));
  dates.hidden = !(params.from || params.to);
  const kinds = { "": "All moments", know: "know", go: "go", do: "do", buy: "buy" };
  const segments = [
    parts.includes("type") ? pick("Moments", kinds, params.type || "", (type) => go({ type })) : null,
    parts.includes("channel") ? text("Channel", params.channel, (channel) => go({ channel }), ["web", "app", "store", "email", "push"]) : null,
    params.place ? text("Place", params.place, (place) => go({ place })) : null,
    parts.includes("device") ? text("Device", params.device, (device) => go({ device }), ["mobile", "desktop", "tablet"]) : null,
  ];
  return el("div", { class: "controls", role: "group", "aria-label": "What to look at" }, range, dates, segments, more);
}

/** A labelled choice. */
export function pick(label, options, value, onChange) {
  const select = el("select", {}, Object.entries(options).map(([key, words]) => el("option", { value: key, selected: key === value }, words)));
  select.addEventListener("change", () => onChange(select.value));
  return el("label", { class: "pick" }, el("span", {}, label), select);
}

/** A labelled text that is used when it is left or Enter is pressed. */
export function text(label, value, onChange, known = []) {
  const id = `known-${label.toLowerCase()}`;
  const input = el("input", { type: "text", value: value || "", placeholder: "any", list: known.length ? id : undefined, spellcheck: "false" });
  input.addEventListener("change", () => onChange(input.value.trim()));
  return el("label", { class: "pick" }, el("span", {}, label), input, known.length ? el("datalist", { id }, known.map((one) => el("option", { value: one }))) : null);
}
