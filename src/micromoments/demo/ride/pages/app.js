// The rider's app: who you are, where you stand, which screen.

import { api, live, say, t } from "./base.js";
import { application, latest, open } from "./shell.js";
import { RideMap } from "./cars.js";
import { home, price, search } from "./home.js";
import { ride, rides, stepped } from "./ride.js";
import { worth } from "./worth.js";
import { you } from "./you.js";

export const state = { town: null, me: null, here: null, title: "", shelf: null, end: null, map: null, live: null };
export const OPEN = (r) => ["ordered", "paid", "tracking"].includes(r.state);
export const { draw } = application({
  title: "Alder Ride",
  screens: { "": home, to: search, price, ride, rides, worth, you },
  tabs: [["", "M4 15h16M6 15l1.500-5h9L18 15M5 15v3h2v-2h10v2h2v-3", "to", "price", "ride"], ["rides", "M6 4h12v17l-3-2-3 2-3-2-3 2zM9 9h6M9 13h6"], ["you", "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20.500a7.500 7.500 0 0 1 15 0", "worth"]],
});

export const refresh = latest(() => api("me"), (me) => { state.me = me; });
export async function stand(at, title = "") {
  state.here = at;
  state.title = title;
  localStorage.setItem("ride-here", JSON.stringify({ at, title }));
  state.shelf = null;
  await draw();
}

function watch() {
  const source = new EventSource(`api/live?after=${state.me.after}`);
  source.addEventListener("order", async (event) => {
    const changed = JSON.parse(event.data);
    if (changed.kind === undefined) return;
    const before = state.me.rides.find((r) => r.id === changed.id);
    state.me.rides = [changed, ...state.me.rides.filter((r) => r.id !== changed.id)].sort((a, b) => b.at - a.at);
    if (before?.step !== changed.step || before?.state !== changed.state) {
      say(t(`step.${changed.state === "tracking" ? changed.step : changed.state}`));
      if (changed.step === "arrived") navigator.vibrate?.(200);
    }
    if (["ride", "rides", ""].includes(location.hash.slice(1).split("/")[0])) draw();
  });
  source.addEventListener("position", (event) => { state.live = JSON.parse(event.data); stepped(state.live); });
}

open(draw, async () => {
  state.town = await api("town");
  live(state.town.timezone);
  const kept = JSON.parse(localStorage.getItem("ride-here") || "null");
  const square = state.town.spots.find((s) => s.id === "square");
  state.here = kept?.at || square.at;
  state.title = kept ? kept.title : square.title;
  state.map = new RideMap(state.town.plan, (at) => { if (["", "#"].includes(location.hash)) stand(at); });
  await refresh();
  watch();
  const under = state.me.rides.find(OPEN);
  if (under && !location.hash) location.hash = `ride/${under.id}`;
});
