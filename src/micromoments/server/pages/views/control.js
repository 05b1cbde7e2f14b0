// What is live, in shadow or off, slot by slot; the versions of settings and policies, and the way back.

import { ask } from "../api.js";
import { el, whole } from "../base.js";
import { ago, button, confirmed, empty, into, leads, led, panel, report, table, toast, when } from "../frame.js";

export const title = "Policies and switches";

export function show(view, _params, _go, link) {
  const holder = el("div", { class: "stack" });
  view.append(holder);
  const again = () => into(holder, () => all(again, link), "Asking");
  return again();
}

async function all(again, link) {
  const [switched, config, policies, decisions] = await Promise.all([ask("v1/switch"), ask("v1/config"), ask("v1/policies"), report("decisions", { from: Date.now() - 7 * 86_400_000 })]);
  return [slots(switched, decisions, policies.policies, again, link), learned(policies.policies, again, link), settings(config.versions, again)];
}

async function tried(act, words, again) {
  try {
    const got = await act();
    toast(typeof words === "function" ? words(got) : words);
    again();
  } catch (error) {
    toast(error.message, true);
  }
}

function slots(switched, decisions, policies, again, link) {
  const rows = decisions.rows.filter((r) => r.of === "decisions");
  const names = [...new Set([...Object.keys(switched.modes), ...rows.map((r) => r.slot), ...switched.off.filter((s) => s !== "*")])].sort();
  const all = switched.off.includes("*");
  const turn = (slot, off) => tried(() => ask("v1/switch", { slot, off }, "PUT"), off ? `${slot || "Everything"} is off.` : `${slot || "Everything"} is on again.`, again);
  const columns = [
    { name: "slot", show: (s) => el("a", { href: link("decisions", { slot: s }, true) }, s) },
    { name: "mode", show: (s) => el("span", { class: `mode mode-${off(s) ? "off" : switched.modes[s] || "live"}` }, off(s) ? "off by hand" : switched.modes[s] || "live") },
    { name: "policy", show: (s) => [...new Set(rows.filter((r) => r.slot === s).map((r) => r.policy))].join(", ") },
    { name: "week", title: "decisions in seven days", num: true, show: (s) => led(rows.filter((r) => r.slot === s).reduce((n, r) => n + r.decisions, 0), link("behind", { slot: s, range: "7d" }, true)) },
    { name: "outcomes", title: "outcomes learned", num: true, show: (s) => whole(policies.filter((p) => p.slot === s).reduce((n, p) => n + p.version, 0)) },
    { name: "act", title: "switch", show: (s) => (off(s) ? button("On again", () => turn(s, false), "small") : button("Off", async () => (await confirmed(`Nothing is served in ${s} from this moment on.`, { action: "Switch it off" })) && turn(s, true), "danger small")) },
  ];
  const off = (s) => all || switched.off.includes(s);
  return panel("Slots", { tools: [all ? button("Everything on again", () => turn("", false), "small") : button("Everything off", async () => (await confirmed("Nothing is served anywhere from this moment on: every decision answers with no items.", { action: "Switch everything off" })) && turn("", true), "danger small")] },
    all ? el("p", { class: "banner", role: "alert" }, "Everything is switched off.") : null,
    names.length ? table("Slots", leads(columns, (s) => link("behind", { slot: s, range: "all" }, true)), names, { hideCaption: true }) : empty("No slot is configured, and nothing was decided in seven days."),
    el("p", { class: "fine" }, "Outcomes learned are those that the slot's policies have taken in since they began. Modes are set in micromoments.toml: observe and shadow serve the default and only watch, live serves by moment. A switch is in force, and durable, when it is answered."));
}

function learned(policies, again, link) {
  const columns = [
    { name: "policy" }, { name: "version", title: "outcomes learned", num: true },
    { name: "kept", title: "kept versions", show: (p) => (p.kept?.length ? el("span", { class: "acts" }, p.kept.map((v) => button(`Back to ${whole(v)}`, async () => (await confirmed(`${p.policy} forgets for now what it learned after ${whole(v)} outcomes. What is in force is kept first.`, { action: "Put it back" })) && tried(() => ask("v1/policies/rollback", { policy: p.policy, version: v }), (got) => `${p.policy} is at ${got.version} again.`, again), "quiet small"))) : "none yet") },
    { name: "compare", title: "what changed", show: (p) => (p.kept?.length ? compared(p) : null) },
  ];
  return panel("What was learned", {}, policies.length ? table("Policies", leads(columns, (p) => link("behind", { slot: p.slot, range: "all" }, true)), policies, { hideCaption: true }) : empty("Nothing was learned yet: it takes decisions that were seen, and what came of them."));
}

function compared(p) {
  const out = el("div", {});
  const before = p.kept[p.kept.length - 1];
  return el("div", {}, button(`Since ${whole(before)}`, () => into(out, async () => {
    const got = await ask(`v1/policies/compare?${new URLSearchParams({ policy: p.policy, before: String(before) })}`);
    const rows = got.changed || got.features || [];
    return rows.length ? table(`What moved since ${whole(before)}`, Object.keys(rows[0]).map((name) => ({ name, num: typeof rows[0][name] === "number" })), rows, { most: 12 }) : empty("No difference.");
  }, "Comparing"), "quiet small"), out);
}

function settings(versions, again) {
  const columns = [
    { name: "version", show: (v) => el("span", { class: "mono" }, String(v.version).slice(0, 19)) }, { name: "at", title: "since", show: (v) => (v.at ? `${when(v.at)} (${ago(v.at)})` : null) },
    { name: "act", title: "state", show: (v) => (v.current ? "in force" : button("Return to it", async () => (await confirmed("The settings, and the file micromoments.toml, are put back to this version.", { action: "Return to it" })) && tried(() => ask("v1/config/rollback", { version: v.version }), "The settings are put back.", again), "quiet small")) },
  ];
  return panel("Settings", { tools: [button("Read micromoments.toml again", () => tried(() => ask("v1/config/reload", {}), (got) => (got.afterRestart?.length ? `In force; after a restart also: ${got.afterRestart.join(", ")}.` : "In force."), again), "quiet small")] }, table("Versions of the settings, the newest first", columns, versions, { hideCaption: true }));
}
