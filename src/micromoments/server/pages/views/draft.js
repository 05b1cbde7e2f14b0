// From an unmet need: the item brief, the rule or the experiment, written out, checked, and ready to be put in place.

import { ask } from "../api.js";
import { el } from "../base.js";
import { button, empty, panel, toast } from "../frame.js";

export const title = "Draft";
const KINDS = { know: "article", go: "place", do: "guide", buy: "product" };
const slug = (words) => words.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "need";
/** Text as a TOML string: escaped as JSON is. */
const toml = (words) => JSON.stringify(words);

export function show(view, params, _go, link) {
  const need = (params.need || "").slice(0, 200);
  if (!need) return view.append(empty("Nothing to draft for: choose a need first.", el("a", { href: link("unmet", {}) }, "Unmet moments")));
  const kind = KINDS[params.kind] || "product";
  view.append(
    el("p", { class: "lead" }, `For people who look for “${need}”.`),
    brief(need, kind, link),
    snippet("A rule", "Lift what has the tag that the drafted item gets, and measure what that brings: one person in ten is served without it.", rule(need, kind)),
    snippet("An experiment", "Half of the people are served by the policy, half get what is popular. Experiments says when the difference is sure.", experiment(need)));
  return undefined;
}

function brief(need, kind, link) {
  const lines = [`Who: people who look for “${need}”`, `What: ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind} that answers it`, "Done when: a search for these words finds it, and the people served with it act on it"];
  return panel("An item", {}, el("ul", { class: "plain" }, lines.map((line) => el("li", {}, line))),
    el("div", { class: "acts" }, el("a", { class: "as-button", href: link("catalogue", { draft: need, kind }, true) }, "Open it in the catalogue"), button("Copy the brief", () => copied(lines.join("\n")))));
}

function rule(need, kind) {
  return `[rules.${toml(`for ${need.slice(0, 60)}`)}]\naction = "boost"\nfactor = 3\nwhere = { kind = ${toml(kind)}, tags = { "$in" = [${toml(slug(need))}] } }\nreason = ${toml(`asked for and not met: ${need}`)}\nmeasure = 0.1`;
}

function experiment(need) {
  return `[experiments.${toml(slug(need))}]\nslot = "home"\nvariants = { popular = 1, served = 1 }\npolicies = { popular = "popular" }\ncoverage = 1.0`;
}

/** A TOML snippet that can be changed, is checked against the settings in force, and copied. */
function snippet(name, why, written) {
  const area = el("textarea", { rows: written.split("\n").length + 1, spellcheck: "false", "aria-label": `${name} as TOML` });
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
