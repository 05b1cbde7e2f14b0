// The driver's page: on duty, offers with their time, the way, and each step of a ride. Its phone is a simulated one:
// it drives along the roads by itself and says where it is once a second, as a real one would.

import { api, clock, h, language, live, minutes, money, say, speak, t } from "./base.js";
import { RideMap } from "./cars.js";
import { streetAt } from "./map.js";
import { screen } from "./screen.js";
import { banner, frame } from "./shell.js";

const state = { town: null, me: null, map: null, at: null, along: 0, leg: "", hurry: 1, source: null };

function sign() {
  const spots = state.town.spots;
  const form = h("form", { class: "card", onsubmit: async (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const spot = spots.find((s) => s.id === data.get("at"));
    try {
      state.me = await api("driver/sign-in", { pin: data.get("pin"), name: data.get("name"), at: spot.at, kinds: ["go", "comfort"] });
      state.at = state.me.driver.at;
      watch();
      draw();
    } catch (wrong) { banner(wrong.words); say(wrong.words); }
  } }, h("h1", {}, t("d.sign")), h("label", { class: "field" }, h("span", {}, t("name")), h("input", { name: "name", id: "name", maxlength: "30", value: "Sam" })), h("label", { class: "field" }, h("span", {}, t("d.at")), h("select", { name: "at", id: "at" }, spots.map((s) => h("option", { value: s.id, selected: s.id === "market" }, s.title)))),
    h("label", { class: "field" }, h("span", {}, t("d.pin")), h("input", { name: "pin", id: "pin", inputmode: "numeric", maxlength: "8", autocomplete: "off" })), h("p", { class: "fine" }, t("d.pin.hint")), h("button", { class: "go wide" }, t("d.go")));
  return form;
}

const draw = screen(() => {
  if (!state.me) return [sign()];
  const { driver, offer, ride } = state.me;
  state.map.fit(ride?.way?.length ? [...ride.way, state.at] : offer ? [state.at, offer.from.at, offer.to.at] : [state.at], 800);
  state.map.ways(ride?.way || null, null);
  state.map.show([{ id: "me", kind: "mine", x: state.at[0], y: state.at[1] }]);
  return [
    h("div", { class: "stage" }, state.map.svg),
    ride ? job(ride) : offer ? offered(offer) : h("section", { class: "card" }, h("h1", {}, t(driver.online ? "d.waiting" : "d.off")), h("p", {}, t(driver.online ? "d.waiting.text" : "d.off.text"))),
    h("ul", { class: "words", id: "words", "aria-label": t("map.words") }, words()),
    h("section", { class: "card" }, h("label", { class: "switch" }, h("b", {}, t("d.duty")), h("input", { type: "checkbox", role: "switch", id: "duty", checked: driver.online, onchange: async (e) => { state.me = await api("driver/duty", { online: e.target.checked }); draw(); } })),
      h("label", { class: "field" }, h("span", {}, t("d.phone")), h("select", { id: "hurry", onchange: (e) => { state.hurry = Number(e.target.value); } }, [0, 1, 3].map((n) => h("option", { value: String(n), selected: n === state.hurry }, t(`d.hurry.${n}`))))),
      h("dl", { class: "receipt" }, h("div", {}, h("dt", {}, t("d.rides")), h("dd", {}, String(state.me.rides))), h("div", {}, h("dt", {}, t("d.earned")), h("dd", {}, money(state.me.earned))), h("div", {}, h("dt", {}, t("d.rating")), h("dd", {}, `★ ${driver.rating.toFixed(1)}`)))),
  ];
});

const place = (end) => end.title || streetAt(state.town.plan, end.at);
function words() {
  const { ride } = state.me;
  const left = ride?.times ? Math.max(0, ride.times[ride.times.length - 1] - state.along) : 0;
  return [h("li", {}, t("d.words", { street: streetAt(state.town.plan, state.at) })), ride?.times ? h("li", {}, t("d.words.left", { seconds: Math.round(left), to: place(ride.step === "riding" ? ride.to : ride.from) })) : null].filter(Boolean);
}

function offered(offer) {
  const answer = (accept) => act(() => api("driver/offer", { ride: offer.id, accept }));
  return h("section", { class: "card offer", role: "alertdialog", "aria-labelledby": "offer" }, h("h1", { id: "offer" }, t("d.offer", { price: money(offer.total) })), h("p", {}, t("d.offer.text", { minutes: minutes(offer.seconds), from: place(offer.from), to: place(offer.to) })), h("p", { class: "fine" }, t("d.until", { at: new Intl.DateTimeFormat(language, { minute: "2-digit", second: "2-digit" }).format(offer.until) })),
    h("div", { class: "two" }, h("button", { type: "button", class: "plain", id: "decline", onclick: () => answer(false) }, t("d.decline")), h("button", { type: "button", class: "go", id: "accept", onclick: () => answer(true) }, t("d.accept"))));
}

function job(ride) {
  const step = (name) => act(async () => { await report(); return api(`driver/rides/${ride.id}/${name}`, {}); }); // judged by where the phone is now
  const button = (name, cls = "go wide") => h("button", { type: "button", class: cls, id: `do-${name}`, onclick: () => step(name) }, t(`d.do.${name}`));
  const next = { coming: ["arrived"], arrived: ["start"], riding: ["finish"] }[ride.step] || [];
  return h("section", { class: "card" }, h("h1", {}, t(`d.step.${ride.step}`, { name: ride.rider || t("rider"), from: place(ride.from), to: place(ride.to) })), h("p", {}, t("d.fare", { price: money(ride.total) })), next.map((n) => button(n)),
    ride.step === "arrived" ? [h("p", { class: "fine" }, t("d.no.show", { at: clock(ride.noShow) })), button("no-show", "plain wide")] : null,
    ride.step === "riding" ? null : button("drop", "plain wide"));
}

async function act(what) {
  try { await what(); } catch (wrong) { banner(wrong.words); say(wrong.words); }
  await refresh();
}

async function refresh() {
  const before = state.me?.ride;
  state.me = await api("driver");
  const { ride, offer } = state.me;
  const leg = ride?.way ? `${ride.id} ${ride.step}` : "";
  if (leg !== state.leg) {
    state.leg = leg;
    state.along = ride?.way ? nearest(ride) : 0;
  }
  if (offer) say(t("d.offer", { price: money(offer.total) }));
  else if (before && !ride) say(t("d.over"));
  draw();
}

/** How far along its way the car is by now, as after this page was opened again. */
function nearest(ride) {
  let best = Infinity;
  let found = 0;
  ride.way.forEach(([x, y], n) => {
    const apart = Math.hypot(x - state.at[0], y - state.at[1]);
    if (apart < best) { best = apart; found = ride.times[n]; }
  });
  return found;
}

function watch() {
  state.source?.close();
  state.source = new EventSource(`api/driver/live?after=${state.me.after}`);
  for (const kind of ["order", "offer", "gone"]) state.source.addEventListener(kind, () => refresh());
}

/** One beat of the simulated phone. */
async function beat() {
  if (!state.me?.driver.online) return;
  const ride = state.me.ride;
  if (ride?.way && state.hurry) {
    state.along = Math.min(ride.times[ride.times.length - 1], state.along + state.hurry);
    let n = ride.times.findIndex((s) => s > state.along);
    if (n < 0) n = ride.times.length - 1;
    const m = Math.max(0, n - 1);
    const span = ride.times[n] - ride.times[m];
    const part = span ? Math.min(1, (state.along - ride.times[m]) / span) : 1;
    state.at = [0, 1].map((k) => ride.way[m][k] + (ride.way[n][k] - ride.way[m][k]) * part);
    state.map.show([{ id: "me", kind: "mine", x: state.at[0], y: state.at[1] }]);
    document.getElementById("words")?.replaceChildren(...words());
  }
  await report();
}

async function report() {
  try { await api("driver/position", { x: state.at[0], y: state.at[1] }); } catch (wrong) { if (wrong.code !== "away") banner(wrong.words); }
}

async function start() {
  await speak(language);
  frame(() => draw());
  state.town = await api("town");
  live(state.town.timezone);
  state.map = new RideMap(state.town.plan);
  state.map.stand(null);
  try {
    state.me = await api("driver");
    state.at = state.me.driver.at;
    await refresh();
    watch();
  } catch { state.me = null; }
  draw();
  setInterval(beat, 1000);
}
start();
