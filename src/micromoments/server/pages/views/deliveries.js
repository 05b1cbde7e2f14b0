// What was sent over channels, what waits, and the dead letters, which can be sent again.

import { ask } from "../api.js";
import { el } from "../base.js";
import { button, confirmed, csvButton, empty, into, masked, panel, table, toast, when } from "../frame.js";
import { pick, text } from "../range.js";

export const title = "Deliveries";
const EXAMPLE = `[destinations.crm]
url = "https://hooks.shop.example/moments"

[triggers.come-back]
on = "abandoned"
types = ["buy"]
to = ["crm"]
slot = "mail"`;
const STATES = { "": "all", intended: "intended", waiting: "waiting", sent: "sent", dead: "dead letters", held: "held back" };

export function show(view, params, go, link) {
  const holder = el("div", { class: "stack" });
  const chosen = STATES[params.status] ? params.status : "";
  view.append(el("div", { class: "controls", role: "group", "aria-label": "What to look at" },
    pick("State", STATES, chosen, (status) => go({ status, cursor: "" })), text("Destination", params.destination, (destination) => go({ destination, cursor: "" }))), holder);
  const look = () => into(holder, async () => {
    const query = new URLSearchParams(Object.entries({ limit: "100", status: chosen, destination: params.destination, cursor: params.cursor }).filter(([, value]) => value));
    const { deliveries, cursor } = await ask(`v1/deliveries?${query}`);
    if (!deliveries.length) return chosen || params.destination ? empty("None like that.") : empty("Nothing is sent yet: a trigger in micromoments.toml sends what a moment calls for, over a channel. Such as:", el("pre", {}, EXAMPLE));
    return panel("Deliveries", { tools: [csvButton("deliveries", deliveries)] }, table("Deliveries, in the order of their ids", columns(link, look), deliveries, { hideCaption: true }),
      el("div", { class: "acts" }, chosen === "dead" ? button("Send these again", () => replay(deliveries.map((d) => d.deliveryId), look)) : null, params.cursor ? button("From the beginning", () => go({ cursor: "" })) : null, cursor ? button("More", () => go({ cursor })) : null));
  }, "Listing");
  return look();
}

function columns(link, look) {
  return [
    { name: "at", title: "when", show: (d) => when(d.at) }, { name: "status", show: (d) => el("span", { class: `mode mode-${d.status === "sent" ? "live" : d.status === "dead" ? "off" : "shadow"}` }, STATES[d.status] || d.status) },
    { name: "trigger" }, { name: "channel" }, { name: "destination" }, { name: "person", show: (d) => masked(d.person) }, { name: "item" }, { name: "tries", num: true }, { name: "due", show: (d) => (d.status === "waiting" ? when(d.due) : null) }, { name: "detail" },
    { name: "decisionId", title: "receipt", show: (d) => (d.decisionId ? el("a", { href: link("decision", { id: d.decisionId }, true) }, "open") : null) },
    { name: "again", title: "act", show: (d) => (d.status === "dead" ? button("Send again", () => replay([d.deliveryId], look), "quiet small") : null) },
  ];
}

async function replay(ids, look) {
  if (!(await confirmed(`${ids.length === 1 ? "One dead letter goes" : `${ids.length} dead letters go`} out again, under their own ids, if the person may still be reached.`, { action: "Send again" }))) return;
  try {
    const { replayed } = await ask("v1/deliveries/replay", { ids });
    toast(`${replayed.length} on their way.`);
    look();
  } catch (error) {
    toast(error.message, true);
  }
}
