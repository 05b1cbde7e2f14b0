// The town: roads, ways, cars that move smoothly, and where you are. What it shows is always in words beside it.

import { svg, t } from "./base.js";

const WIDTH = { main: 17, street: 10, lane: 6, path: 3 };
const line = (points, close) => (points?.length ? `M${points.map(([x, y]) => `${x} ${-y}`).join("L")}${close ? "Z" : ""}` : "");
export const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The name of the street nearest to a place. */
export function streetAt(plan, [x, y]) {
  let best = Infinity;
  let found = "";
  for (const street of plan.streets) {
    if (!street.name || street.kind === "path") continue;
    for (let n = 1; n < street.line.length; n += 1) {
      const [[ax, ay], [bx, by]] = [street.line[n - 1], street.line[n]];
      const square = (bx - ax) ** 2 + (by - ay) ** 2;
      const part = square ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / square)) : 0;
      const apart = Math.hypot(ax + (bx - ax) * part - x, ay + (by - ay) * part - y);
      if (apart < best) { best = apart; found = street.name; }
    }
  }
  return found;
}

export class TownMap {
  constructor(plan, pick) {
    this.plan = plan;
    this.svg = svg("svg", { class: "map", role: "img", preserveAspectRatio: "xMidYMid meet" });
    const streets = (kind, edge) => svg("path", { class: `street ${kind}${edge ? " edge" : ""}`, "stroke-width": WIDTH[kind] + (edge ? 5 : 0), d: plan.streets.filter((s) => s.kind === kind).map((s) => line(s.line)).join("") });
    this.way = svg("path", { class: "way" });
    this.approach = svg("path", { class: "way approach" });
    this.cars = svg("g");
    this.ends = svg("g");
    this.me = svg("g", { class: "me" }, svg("circle", { class: "ring", r: 34 }), svg("circle", { class: "dot", r: 13 }));
    this.svg.append(
      ...plan.parks.map((park) => svg("path", { class: "park", d: line(park.shape, true) })),
      svg("path", { class: "water", d: line(plan.sea, true) }), svg("path", { class: "water", d: line(plan.river, true) }),
      streets("path"), streets("lane", true), streets("street", true), streets("main", true), streets("lane"), streets("street"), streets("main"),
      ...plan.districts.filter((d) => d.name !== "River Alder").map((d) => { const name = svg("text", { class: "district", x: d.at[0], y: -d.at[1] }); name.textContent = d.name; return name; }),
      this.approach, this.way, this.cars, this.ends, this.me,
    );
    if (pick) {
      this.svg.classList.add("picks");
      this.svg.addEventListener("click", (event) => {
        const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
        pick([Math.round(at.x), Math.round(-at.y)]);
      });
    }
    this.moving = new Map();
    this.svg.setAttribute("aria-label", t("map.label"));
  }

  /** Show these places, with room around them and never less than some streets. */
  fit(points, least = 700) {
    const xs = points.map((p) => p[0]);
    const ys = points.map((p) => -p[1]);
    const width = Math.max(least, (Math.max(...xs) - Math.min(...xs)) * 1.35);
    const height = Math.max(least * 0.75, (Math.max(...ys) - Math.min(...ys)) * 1.5);
    const x = (Math.max(...xs) + Math.min(...xs)) / 2;
    const y = (Math.max(...ys) + Math.min(...ys)) / 2;
    this.svg.setAttribute("viewBox", `${x - width / 2} ${y - height / 2} ${width} ${height}`);
    this.svg.style.setProperty("--mark", Math.max(0.75, Math.min(2.4, width / 900)));
    this.svg.setAttribute("aria-label", t("map.label"));
  }

  stand(at) {
    this.me.style.display = at ? "" : "none";
    if (at) this.me.style.transform = `translate(${at[0]}px, ${-at[1]}px)`;
  }

  ways(way, approach) {
    this.way.setAttribute("d", line(way));
    this.approach.setAttribute("d", line(approach));
    this.ends.replaceChildren(...(way?.length ? [[way[0], "from"], [way[way.length - 1], "to"]] : []).map(([[x, y], kind]) => svg("g", { transform: `translate(${x} ${-y})` }, kind === "from" ? svg("circle", { class: "pin from", r: 14 }) : svg("rect", { class: "pin to", x: -13, y: -13, width: 26, height: 26, rx: 4 }))));
  }

  /** Cars by id; each glides to its new place within a beat, or is simply there where motion is unwanted. */
  show(cars) {
    const gone = new Set(this.moving.keys());
    for (const car of cars) {
      gone.delete(car.id);
      let known = this.moving.get(car.id);
      if (!known) {
        const mark = svg("g", { class: `car ${car.kind || ""}` }, svg("rect", { x: -21, y: -11, width: 42, height: 22, rx: 8 }), svg("rect", { class: "glass", x: 2, y: -8, width: 9, height: 16, rx: 3 }));
        this.cars.append(mark);
        known = { mark, at: [car.x, car.y], turn: 0 };
        this.moving.set(car.id, known);
      }
      const [dx, dy] = [car.x - known.at[0], car.y - known.at[1]];
      if (Math.hypot(dx, dy) > 1) known.turn = (Math.atan2(-dy, dx) * 180) / Math.PI;
      const far = Math.hypot(dx, dy) > 400;
      Object.assign(known, { from: far || still.matches ? [car.x, car.y] : known.at, to: [car.x, car.y], since: performance.now() });
    }
    for (const id of gone) { this.moving.get(id).mark.remove(); this.moving.delete(id); }
    this.step();
  }

  step() {
    cancelAnimationFrame(this.frame);
    const now = performance.now();
    let busy = false;
    for (const car of this.moving.values()) {
      const part = still.matches ? 1 : Math.min(1, (now - car.since) / 1100);
      car.at = [car.from[0] + (car.to[0] - car.from[0]) * part, car.from[1] + (car.to[1] - car.from[1]) * part];
      car.mark.setAttribute("transform", `translate(${car.at[0].toFixed(1)} ${(-car.at[1]).toFixed(1)}) rotate(${car.turn.toFixed(0)})`);
      busy ||= part < 1;
    }
    if (busy && this.svg.isConnected) this.frame = requestAnimationFrame(() => this.step());
  }
}
