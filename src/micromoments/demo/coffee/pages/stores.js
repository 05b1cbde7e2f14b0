// The town with the chain's stores. The list beside it says the same in words.

import { svg } from "./base.js";
import { TownMap } from "./map.js";

export class StoreMap extends TownMap {
  constructor(plan, pick) {
    const marks = svg("g");
    super(plan, { pick, layers: [marks], fill: true });
    this.marks = marks;
  }

  show(stores, here, chosen) {
    this.fit([here], 1440);
    this.stand(here);
    this.marks.replaceChildren(...stores.map((s, n) => {
      const mark = svg("g", { class: `store${s.open ? "" : " shut"}${s.id === chosen ? " chosen" : ""}`, transform: `translate(${s.x} ${-s.y})` },
        svg("path", { d: "M0 6C-30 -24 -44 -44 -44 -66a44 44 0 0 1 88 0C44 -44 30 -24 0 6z" }), svg("text", { y: -52 }));
      mark.querySelector("text").textContent = n + 1;
      return mark;
    }));
  }
}
