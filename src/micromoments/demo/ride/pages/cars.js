// The town with ways and with cars that move smoothly.

import { svg } from "./base.js";
import { TownMap, line } from "./map.js";

export const still = matchMedia("(prefers-reduced-motion: reduce)");

export class RideMap extends TownMap {
  constructor(plan, pick = null) {
    const way = svg("path", { class: "way" });
    const approach = svg("path", { class: "way approach" });
    const [cars, ends] = [svg("g"), svg("g")];
    super(plan, { pick, layers: [approach, way, cars, ends] });
    Object.assign(this, { way, approach, cars, ends, moving: new Map() });
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
