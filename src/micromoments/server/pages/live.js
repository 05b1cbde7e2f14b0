// The live view: moments as they open, on a map in the demo, and what serving them is worth.

import { ask, isDemo, listen } from "./api.js";
import { TYPES, byId, el, mark, whole } from "./base.js";
import { Feed } from "./feed.js";
import { Lanes } from "./lanes.js";
import { TownMap } from "./map.js";
import { Plug } from "./plug.js";
import { Scores } from "./scores.js";
import { Visitor } from "./visitor.js";

const names = new Map();
const expires = new Map();
const counts = { opened: 0, served: 0, closed: 0 };
let paused = false;
let town = null;
let picture = null;
let plug = null;

function nameOf(person) {
  const bare = person.replace(/^(anon|user):/, "");
  if (names.has(person)) return names.get(person);
  if (bare.startsWith("visitor-")) return "You";
  if (!isDemo) return `${bare.slice(0, 4)}…`;
  return bare.startsWith("sim-") ? `A ${bare.slice(4).replace(/-\d.*/, "")}` : bare;
}

const feed = new Feed(byId("feed"), byId("said"), nameOf);
const scores = new Scores();

function told(kind, data) {
  if (kind === "gap" || paused) return;
  if (kind === "moment") {
    const { moment } = data;
    expires.set(moment.id, moment.expiresAt);
    if (data.change === "opened") counts.opened++;
    if (moment.ended) {
      counts.closed++;
      expires.delete(moment.id);
    }
    picture.moment(data);
    feed.moment(data);
  } else if (kind === "decision") {
    if (data.momentId) counts.served++;
    picture.serve(data);
    feed.serve(data);
  } else if (kind === "delivery") {
    feed.outcome(data);
  }
  byId("counts").textContent = `${whole(counts.opened)} opened, ${whole(counts.served)} served, ${whole(counts.closed)} closed since you came`;
}

function state(how) {
  const words = { open: "Live", lost: "Server away, trying again", refused: "Not for this page" };
  byId("state").className = `state ${how}`;
  byId("state-text").textContent = words[how];
}

function demoTold(kind, data) {
  if (kind === "people") {
    for (const one of data) names.set(one.id, one.name);
    feed.named();
    if (!paused) picture.move(data);
  } else if (kind === "truth") scores.truth(data);
  else if (kind === "plug") plug.told(data);
}

function legend() {
  byId("legend").replaceChildren(...Object.keys(TYPES).map((type) => el("li", {}, mark(type, 16), type)));
}

function tools() {
  byId("pause").addEventListener("click", () => {
    paused = !paused;
    feed.paused = paused;
    byId("pause").textContent = paused ? "Resume" : "Pause";
    byId("pause").setAttribute("aria-pressed", String(paused));
  });
}

/** Where the visitor stands: the town's square in the demo, nowhere otherwise. */
function whereabouts() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!town) return { device: { type: "desktop" }, timezone: zone };
  const { latitude, longitude } = town.you;
  return { device: { type: "desktop" }, timezone: town.timezone, location: { latitude, longitude }, lat: latitude, lon: longitude };
}

/** Begin; once is enough for as long as the page lives. */
export async function start() {
  legend();
  tools();
  if (isDemo) {
    town = await ask("demo/town");
    byId("foot").textContent = `${town.plan.name} and everyone in it are simulated; the server, its answers and its numbers are real. Moments are given only minutes here, so that you can see them end.`;
    scores.forward(town.forward);
    plug = new Plug();
    picture = new TownMap(byId("picture"), town);
    listen("demo/live", { onEvent: demoTold, onState: () => {} });
  } else {
    byId("live-title").textContent = "The last ten minutes";
    byId("legend").hidden = true;
    picture = new Lanes(byId("picture"));
  }
  const visitor = new Visitor(whereabouts, (id) => {
    names.set(`anon:${id}`, "You");
    if (town) picture.move([...picture.people.values()].filter((p) => p.id !== `anon:${id}`).concat({ id: `anon:${id}`, name: "You", you: true, x: town.you.x, y: town.you.y }));
  });
  if (town) visitor.onMoment(visitor.id);
  listen("v1/stream", { onEvent: told, onState: state });
  scores.watch();
  setInterval(() => picture.settle(Date.now(), expires), 2000);
}
