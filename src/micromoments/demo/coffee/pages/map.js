// The town, the stores and where you stand. The list beside it says the same in words.

import { svg, t } from "./base.js";

const WIDTH = { main: 17, street: 10, lane: 6, path: 4 };
const line = (points, close) => `M${points.map(([x, y]) => `${x} ${-y}`).join("L")}${close ? "Z" : ""}`;

export class TownMap {
  constructor(plan, pick) {
    this.plan = plan;
    this.svg = svg("svg", { class: "map", role: "img", preserveAspectRatio: "xMidYMid slice" });
    const streets = (kind) => svg("path", { class: `street ${kind}`, "stroke-width": WIDTH[kind], d: plan.streets.filter((s) => s.kind === kind).map((s) => line(s.line)).join("") });
    this.stores = svg("g");
    this.me = svg("g", { class: "me" }, svg("circle", { class: "ring", r: 34 }), svg("circle", { class: "dot", r: 14 }));
    this.svg.append(
      ...plan.parks.map((park) => svg("path", { class: "park", d: line(park.shape, true) })),
      streets("lane"), streets("street"),
      svg("path", { class: "water", d: line(plan.sea, true) }), svg("path", { class: "water", d: line(plan.river, true) }),
      streets("path"), streets("main"),
      ...plan.districts.map((d) => { const name = svg("text", { class: "district", x: d.at[0], y: -d.at[1] }); name.textContent = d.name; return name; }),
      this.stores, this.me,
    );
    this.svg.addEventListener("click", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
      pick([Math.round(at.x), Math.round(-at.y)]);
    });
  }

  show(stores, here, chosen) {
    const [w, h] = [720, 430];
    this.svg.setAttribute("viewBox", `${Math.max(-this.plan.halfWidth, Math.min(this.plan.halfWidth - 2 * w, here[0] - w))} ${Math.max(-this.plan.halfHeight, Math.min(this.plan.halfHeight - 2 * h, -here[1] - h))} ${2 * w} ${2 * h}`);
    this.svg.setAttribute("aria-label", t("map.label"));
    this.me.style.transform = `translate(${here[0]}px, ${-here[1]}px)`;
    this.stores.replaceChildren(...stores.map((s, n) => {
      const mark = svg("g", { class: `store${s.open ? "" : " shut"}${s.id === chosen ? " chosen" : ""}`, transform: `translate(${s.x} ${-s.y})` },
        svg("path", { d: "M0 6C-30 -24 -44 -44 -44 -66a44 44 0 0 1 88 0C44 -44 30 -24 0 6z" }), svg("text", { y: -52 }));
      mark.querySelector("text").textContent = n + 1;
      return mark;
    }));
  }
}
