// From an unmet need: the item brief, the rule or the experiment, written out, checked, and ready to be put in place.

import { ask } from "../api.js";
import { el } from "../base.js";
import { button, empty, into, panel, toast } from "../frame.js";
import { pick } from "../range.js";

export const title = "Draft";
const KINDS = { know: "article", go: "place", do: "guide", buy: "product" };
const slug = (words) => words.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "need";
/** Text as a TOML string: escaped as JSON is. */
const toml = (words) => JSON.stringify(words);

/** Words as a pattern that matches them alone. */
const exactly = (words) => `^${words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;

/** Whom it is for: people in a moment of this kind whose words, category or whole search is the need. */
function condition(need, type) {
  const same = `{ "$regexi" = ${toml(exactly(need))} }`;
  const about = ["query", "words", "category", "item"].map((field) => `{ "moment.need.${field}" = ${same} }`).join(", ");
  return `{ ${type ? `"moment.type" = ${toml(type)}, ` : ""}"$or" = [${about}] }`;
}

export function show(view, params, go, link) {
  const need = (params.need || "").slice(0, 200);
  if (!need) return view.append(empty("Nothing to draft for: choose a need first.", el("a", { href: link("unmet", {}) }, "Unmet moments")));
  const type = KINDS[params.kind] ? params.kind : "";
  const holder = el("div", { class: "stack" });
  view.append(el("p", { class: "lead" }, `For people who look for “${need}”${type ? `, in moments of ${type}` : ""}. Nobody else is touched.`), holder);
  return into(holder, async () => {
    const slots = Object.keys((await ask("v1/switch")).modes);
    const about = { need, type, kind: KINDS[type] || "product", slot: slots.includes(params.slot) ? params.slot : slots[0] || "home" };
    return [
      slots.length > 1 ? el("div", { class: "controls" }, pick("Slot", Object.fromEntries(slots.map((name) => [name, name])), about.slot, (slot) => go({ slot }))) : null,
      brief(need, about.kind, link),
      snippet("A rule", "For them alone: lift what has the tag that the drafted item gets, and measure what that brings: one person in ten is served without it.", rule(about)),
      snippet("An experiment", "Half of the people with this need are served by the policy, half get what is popular. Experiments says when the difference is sure.", experiment(about)),
    ];
  }, "Writing it out");
}

function brief(need, kind, link) {
  const lines = [`Who: people who look for “${need}”`, `What: ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind} that answers it`, "Done when: a search for these words finds it, and the people served with it act on it"];
  return panel("An item", {}, el("ul", { class: "plain" }, lines.map((line) => el("li", {}, line))),
    el("div", { class: "acts" }, el("a", { class: "as-button", href: link("catalogue", { draft: need, kind }, true) }, "Open it in the catalogue"), button("Copy the brief", () => copied(lines.join("\n")))));
}

function rule({ need, kind, type, slot }) {
  return `[rules.${toml(`for ${need.slice(0, 60)}`)}]\naction = "boost"\nfactor = 3\nslots = [${toml(slot)}]\nwhere = { kind = ${toml(kind)}, tags = { "$in" = [${toml(slug(need))}] } }\ncondition = ${condition(need, type)}\nreason = ${toml(`asked for and not met: ${need}`)}\nmeasure = 0.1`;
}

function experiment({ need, type, slot }) {
  return `[experiments.${toml(slug(need))}]\nslot = ${toml(slot)}\nvariants = { popular = 1, served = 1 }\npolicies = { popular = "popular" }\ncondition = ${condition(need, type)}\ncoverage = 1.0`;
}

/** A TOML snippet that can be changed, is checked against the settings in force, and copied. */
function snippet(name, why, written) {
  const lines = written.split("\n").reduce((n, line) => n + Math.ceil(line.length / 90), 1);
  const area = el("textarea", { rows: lines, spellcheck: "false", "aria-label": `${name} as TOML` });
  area.value = written;
  const said = el("div", { role: "status", class: "checked" });
  let turn = 0;
  const check = async () => {
    const mine = ++turn;
    try {
      const got = await ask("v1/config/check", { toml: area.value });
      if (mine !== turn) return;
      area.toggleAttribute("aria-invalid", !got.valid);
      said.replaceChildren(got.valid ? el("p", { class: "good" }, "✓ Valid with the settings in force.") : el("ul", { class: "plain wrong" }, got.mistakes.map((one) => el("li", {}, one))));
    } catch (error) {
      said.replaceChildren(el("p", { class: "wrong" }, error.message));
    }
  };
  area.addEventListener("change", check);
  check();
  return panel(name, {}, el("p", { class: "fine" }, why), area, said,
    el("div", { class: "acts" }, button("Check it", check), button("Copy it", () => copied(area.value)), el("span", { class: "fine" }, "Put it at the end of micromoments.toml, then read the file again under Switches.")));
}

async function copied(words) {
  await navigator.clipboard.writeText(words);
  toast("Copied.");
}
