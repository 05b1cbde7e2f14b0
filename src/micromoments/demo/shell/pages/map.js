// The town, for every app that needs it: streets, water, parks, and where you are. What a map shows is always in words
// beside it; what an app puts onto it is its own.

import { svg, t } from "./base.js";

const WIDTH = { main: 17, street: 10, lane: 6, path: 3 };
export const line = (points, close) => (points?.length ? `M${points.map(([x, y]) => `${x} ${-y}`).join("L")}${close ? "Z" : ""}` : "");

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
  /** ``layers`` are drawn over the town, ``pick`` hears of the places that are tapped, ``fill`` lets it be cut off at its edges. */
  constructor(plan, { pick = null, layers = [], fill = false } = {}) {
    this.plan = plan;
    this.svg = svg("svg", { class: "map", role: "img", "aria-label": t("map.label"), preserveAspectRatio: `xMidYMid ${fill ? "slice" : "meet"}` });
    const streets = (kind, edge) => svg("path", { class: `street ${kind}${edge ? " edge" : ""}`, "stroke-width": WIDTH[kind] + (edge ? 5 : 0), d: plan.streets.filter((s) => s.kind === kind).map((s) => line(s.line)).join("") });
    this.me = svg("g", { class: "me" }, svg("circle", { class: "ring", r: 34 }), svg("circle", { class: "dot", r: 13 }));
    this.svg.append(
      ...plan.parks.map((park) => svg("path", { class: "park", d: line(park.shape, true) })),
      svg("path", { class: "water", d: line(plan.sea, true) }), svg("path", { class: "water", d: line(plan.river, true) }),
      streets("path"), streets("lane", true), streets("street", true), streets("main", true), streets("lane"), streets("street"), streets("main"),
      ...plan.districts.filter((d) => d.name !== "River Alder").map((d) => { const name = svg("text", { class: "district", x: d.at[0], y: -d.at[1] }); name.textContent = d.name; return name; }),
      ...layers, this.me,
    );
    if (pick) {
      this.svg.classList.add("picks");
      this.svg.addEventListener("click", (event) => {
        const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
        pick([Math.round(at.x), Math.round(-at.y)]);
      });
    }
  }

  /** Show these places, with room around them and never less than some streets. */
  fit(points, least = 700) {
    const xs = points.map((p) => p[0]);
    const ys = points.map((p) => -p[1]);
    const width = Math.max(least, (Math.max(...xs) - Math.min(...xs)) * 1.35);
    const height = Math.max(least * 0.75, (Math.max(...ys) - Math.min(...ys)) * 1.5);
    // Beyond the town there is nothing to see.
    const within = (middle, size, half) => (size < 2 * half ? Math.max(-half, Math.min(half - size, middle - size / 2)) : middle - size / 2);
    const x = within((Math.max(...xs) + Math.min(...xs)) / 2, width, this.plan.halfWidth);
    const y = within((Math.max(...ys) + Math.min(...ys)) / 2, height, this.plan.halfHeight);
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    this.svg.style.setProperty("--mark", Math.max(0.75, Math.min(2.4, width / 900)));
    this.svg.setAttribute("aria-label", t("map.label"));
  }

  stand(at) {
    this.me.style.display = at ? "" : "none";
    if (at) this.me.style.transform = `translate(${at[0]}px, ${-at[1]}px)`;
  }
}
