// What every view is made of: panels with their provenance, tables, figures, and the states between them.

import { ask } from "./api.js";
import { el, lasting, percent, whole } from "./base.js";

/** An instant (milliseconds or RFC 3339) as people read it, in the browser's zone. */
export function when(at, short = false) {
  if (at === null || at === undefined || at === 0) return "–";
  const options = short ? { hour: "2-digit", minute: "2-digit", second: "2-digit" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(at));
}

/** How long ago, roughly. */
export function ago(at) {
  if (!at) return "never";
  const seconds = (Date.now() - new Date(at).getTime()) / 1000;
  return seconds < 5 ? "just now" : seconds < 172_800 ? `${lasting(seconds)} ago` : `${Math.round(seconds / 86_400)} days ago`;
}

/** A figure of a report as people read it, by its unit. */
export function shown(figure) {
  if (!figure || figure.value === null || figure.value === undefined) return "–";
  if (figure.unit === "share") return percent(figure.value, figure.value < 0.1 ? 1 : 0);
  if (figure.unit === "milliseconds") return lasting(figure.value / 1000);
  return Number.isInteger(figure.value) ? whole(figure.value) : figure.value.toFixed(2);
}

/** What a figure counts, in words. */
export function counted(figure) {
  if (!figure) return "";
  if (figure.unit === "milliseconds") return `median of ${whole(figure.count)}`;
  if (!Number.isInteger(figure.count)) return `over ${whole(figure.of ?? 0)}`;
  return figure.of === null || figure.of === undefined ? whole(figure.count) : `${whole(figure.count)} of ${whole(figure.of)}`;
}

/** A person's id, with all but its first letters hidden. */
export function masked(key) {
  const [kind, ...rest] = String(key).split(":");
  const id = rest.length ? rest.join(":") : kind;
  const shownKind = rest.length ? `${kind}:` : "";
  return `${shownKind}${id.slice(0, 4)}${id.length > 4 ? "…" : ""}`;
}

/** A report, asked for with these parameters (empty ones left out). */
export function report(name, params = {}) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "" && value !== undefined && value !== null));
  return ask(`v1/reports/${name}${query.size ? `?${query}` : ""}`);
}

export function figureOf(reply, name) {
  return (reply?.figures || []).find((one) => one.name === name);
}

/** Figures side by side, each with what it counts; a click leads to what is behind it: `to` is an address for all, or by
 * name an address or the id of a panel of this view. */
export function figures(list, to) {
  const number = (f) => {
    const at = typeof to === "string" ? to : to?.[f.name];
    if (!at || f.value === null) return shown(f);
    if (at.startsWith("#/")) return el("a", { href: at, title: "What is behind this number" }, shown(f));
    return el("button", { type: "button", class: "as-link", title: "What is behind this number", onclick: () => document.getElementById(at)?.scrollIntoView({ block: "start" }) }, shown(f));
  };
  return el("ul", { class: "figures" }, list.map((f) => el("li", {}, el("b", { "data-figure": f.name }, number(f)), el("span", {}, f.title), f.of === null && f.unit !== "milliseconds" ? null : el("small", {}, counted(f)), f.how ? el("small", { class: "how" }, f.how) : null)));
}

/** A number in a table that leads to what is behind it. */
export const led = (value, href, words) => el("a", { href, title: words ?? "What is behind this number" }, whole(value));

/** Columns of which every number leads to what is behind its row: `to(row, name)` is its address. A column is one of numbers
 * where it says `num` or `lead`; what leads somewhere already stays, and so does a nought, behind which nothing is. */
export function leads(columns, to) {
  return columns.map((c) => (c.num || c.lead ? { ...c, show: (row) => ahead(c.show ? c.show(row) : row[c.name], to(row, c.name)) } : c));
}

function ahead(value, href) {
  const text = value instanceof Node ? value.textContent : String(value ?? "");
  if (!/[1-9]/.test(text) || (value instanceof Node && (value.matches?.("a, button") || value.querySelector("a, button")))) return value;
  return el("a", { href, title: "What is behind this number" }, value instanceof Node ? value : plain(value));
}

/** The address parts of a row of any report: what it says of moment, channel, device, place, slot, item, need; a part by `by`. */
export function rowOf(row, by = "") {
  const own = Object.fromEntries(["type", "channel", "device", "place", "slot", "item", "need"].filter((name) => row[name]).map((name) => [name, row[name]]));
  const day = /^\d{4}-\d\d-\d\d$/.test(row.part ?? "") ? dayOf(row.part) : {};
  return { ...own, ...day, ...(["type", "channel", "device", "place"].includes(by) && row.part !== undefined ? { [by]: row.part } : {}) };
}

/** One day (2026-01-31) as a stretch. */
export const dayOf = (day) => ({ range: "", from: day, to: new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10) });

/** A zone as people write it: the names in Etc count to the west, so that Etc/GMT-9 is nine hours ahead. */
const zoned = (tz) => tz.replace(/^Etc\/GMT([+-])(\d+)$/, (_, sign, hours) => `UTC${sign === "-" ? "+" : "−"}${hours}`);

/** The line under each panel: what is counted, from when, how fresh. */
export function provenance(reply) {
  const from = Date.parse(reply.from) > 0 ? when(reply.from) : "the beginning";
  return el("p", { class: "fine source" }, `${reply.counting} `,
    Date.parse(reply.to) > 1000 ? el("span", { class: "stretch" }, `From ${from} to ${when(reply.to)} by your clock, days in ${zoned(reply.tz)}. `) : null,
    el("span", { class: "fresh" }, reply.as_of ? `Newest fact: ${ago(reply.as_of)}.` : "No facts yet: send events to /v1/track, or bring your history with micromoments import."),
    reply.simulated ? el("span", { class: "sim" }, "has simulated people") : null);
}

/** A titled card; `tools` stand at its right. */
export function panel(title, { tools = [], wide = false, id } = {}, ...children) {
  return el("section", { class: wide ? "panel wide" : "panel", "aria-label": title, id },
    el("div", { class: "head" }, el("h2", {}, title), tools.length ? el("div", { class: "panel-tools" }, tools) : null), ...children);
}

/** Placeholder while something loads; screen readers hear it once. After two seconds it says how long it has been, and
 * how long it took the last time. */
export function loading(what = "Loading") {
  const [began, before] = [performance.now(), Number(sessionStorage.getItem(`took ${what}`))];
  const [bar, said] = [el("progress", { max: before || undefined, hidden: true, "aria-label": what }), el("span", { "aria-hidden": "true" })];
  const node = el("div", { class: "loading", role: "status" }, el("span", { class: "spinner", "aria-hidden": "true" }), `${what} …`, said, bar);
  const timer = setInterval(() => {
    const gone = (performance.now() - began) / 1000;
    if (!node.isConnected) {
      clearInterval(timer);
      if (gone > 2) sessionStorage.setItem(`took ${what}`, gone.toFixed(1));
    } else if (gone > 2) {
      bar.hidden = !before;
      if (before) bar.value = Math.min(gone, 0.98 * before);
      said.textContent = `${lasting(gone)}${before ? `, ${lasting(before)} the last time` : ""}`;
    }
  }, 500);
  return node;
}

export function empty(words, ...more) {
  return el("div", { class: "empty-state" }, el("p", {}, words), ...more);
}

/** What went wrong, in the server's words, and a way to try again. */
export function failed(error, again) {
  return el("div", { class: "empty-state wrong", role: "alert" }, el("p", {}, error.message),
    again ? el("button", { type: "button", class: "quiet", onclick: again }, "Try again") : null);
}

/** Fills a holder with what `make` gives: loading first, an error if it fails. Late answers of an older call are dropped. */
export async function into(holder, make, what) {
  const turn = (holder.turn = (holder.turn || 0) + 1);
  holder.setAttribute("aria-busy", "true");
  holder.replaceChildren(loading(what));
  let nodes;
  try {
    nodes = [await make()].flat();
  } catch (error) {
    nodes = [failed(error, () => into(holder, make, what))];
  }
  if (holder.turn !== turn) return;
  holder.replaceChildren(...nodes.filter(Boolean));
  holder.removeAttribute("aria-busy");
}

/** A table; columns are {name, title, num, show(row)}. Scrolls inside itself, by keyboard too. */
export function table(caption, columns, rows, { most = 200, hideCaption = false } = {}) {
  const head = el("tr", {}, columns.map((c) => el("th", { scope: "col", class: c.num ? "num" : undefined }, c.title ?? c.name)));
  const cell = (c, row) => {
    const value = c.show ? c.show(row) : row[c.name];
    return el("td", { class: c.num ? "num" : c.name === "at" ? "at" : undefined }, value === null || value === undefined || value === "" ? "–" : value instanceof Node ? value : plain(value));
  };
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: hideCaption ? "sr" : undefined }, caption), el("thead", {}, head),
      el("tbody", {}, rows.slice(0, most).map((row) => el("tr", {}, columns.map((c) => cell(c, row)))))),
    rows.length > most ? el("p", { class: "fine" }, `The first ${most} of ${whole(rows.length)}.`) : null);
}

function plain(value) {
  if (typeof value === "number") return Number.isInteger(value) ? whole(value) : value.toPrecision(4);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Columns for rows whose shape isn't known beforehand. */
export function columnsOf(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => name !== "of" && name !== "figures");
  return names.map((name) => ({ name, title: name.replaceAll("_", " "), num: rows.every((row) => typeof row[name] === "number" || row[name] == null) }));
}

/** Whole minor units of a currency, as money. */
export function money(amount, currency) {
  const written = new Intl.NumberFormat("en", { style: "currency", currency });
  return written.format(amount / 10 ** written.resolvedOptions().maximumFractionDigits);
}

/** A bar within a table cell, for a share from 0 to 1. */
export function bar(share, words, cls = "") {
  const fill = el("span", { class: `fill ${cls}` });
  fill.style.width = `${Math.max(0, Math.min(1, share || 0)) * 100}%`;
  return el("span", { class: "cell-bar" }, el("span", { class: "track", "aria-hidden": "true" }, fill), el("span", {}, words));
}

/** Saves text as a file. */
export function save(name, text, type = "text/plain") {
  const url = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Rows as CSV (RFC 4180); what a spreadsheet would run as a formula gets an apostrophe before it. */
export function csv(rows, names = [...new Set(rows.flatMap((row) => Object.keys(row)))]) {
  const field = (value) => {
    if (value === null || value === undefined) return "";
    let text = typeof value === "object" ? JSON.stringify(value) : String(value);
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((line) => line.map(field).join(",")).join("\r\n") + "\r\n";
}

export function csvButton(name, rows) {
  return el("button", { type: "button", class: "quiet small", onclick: () => save(`${name}.csv`, csv(rows), "text/csv"), "aria-label": `Save ${name} as CSV` }, "CSV");
}

export function button(words, act, cls = "quiet") {
  const node = el("button", { type: "button", class: cls }, words);
  node.addEventListener("click", async () => {
    node.disabled = true;
    try {
      await act(node);
    } finally {
      node.disabled = false;
    }
  });
  return node;
}

/** Says something to everybody, screen readers included, for a few seconds. */
export function toast(words, bad = false) {
  const holder = document.getElementById("toasts");
  const note = el("p", { class: bad ? "toast bad" : "toast" }, words);
  holder.append(note);
  setTimeout(() => note.remove(), bad ? 12_000 : 5000);
}

/** Asks before something that can't be undone; resolves to whether it was confirmed. `word` has to be typed where given. */
export function confirmed(words, { action = "Do it", word = "" } = {}) {
  return new Promise((done) => {
    const typed = word ? el("input", { type: "text", autocomplete: "off", "aria-label": `Type ${word} to confirm` }) : null;
    const yes = el("button", { value: "yes", class: "danger" }, action);
    if (typed) {
      yes.disabled = true;
      typed.addEventListener("input", () => (yes.disabled = typed.value !== word));
    }
    const dialog = el("dialog", { class: "ask", "aria-label": "Are you sure?" },
      el("form", { method: "dialog" }, el("p", {}, words), typed ? el("p", {}, el("label", {}, `Type ${word} to confirm: `, typed)) : null,
        el("div", { class: "acts" }, yes, el("button", { value: "no", class: "quiet", formnovalidate: true }, "Leave it"))));
    dialog.addEventListener("close", () => {
      done(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
