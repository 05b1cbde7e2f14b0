// The same as the map where no town is known: a lane for each type of moment, the last ten minutes from left to right.

import { TYPES, mark, needOf, svg } from "./base.js";

const SPAN = 10 * 60_000;
const LANE = 64;

export class Lanes {
  constructor(holder) {
    this.moments = new Map();
    this.svg = svg("svg", { class: "lanes", viewBox: `0 0 1000 ${LANE * 4}`, preserveAspectRatio: "none", role: "img", "aria-label": "Moments of the last ten minutes by type. The list below says the same in words." });
    const signs = svg("g");
    Object.keys(TYPES).forEach((type, n) => {
      signs.append(svg("rect", { class: `lane ${type}`, x: 0, y: n * LANE + 4, width: 1000, height: LANE - 8, rx: 6 }));
    });
    this.bars = svg("g");
    this.svg.append(signs, this.bars);
    const names = document.createElement("ul");
    names.className = "lane-names";
    for (const type of Object.keys(TYPES)) {
      const row = document.createElement("li");
      row.append(mark(type), ` ${type}`);
      names.append(row);
    }
    this.empty = document.createElement("p");
    this.empty.className = "empty";
    this.empty.append("No moment yet. Send an event and it shows here within a second:", code());
    holder.replaceChildren(names, this.svg, this.empty);
    setInterval(() => this.draw(), 1000);
  }

  moment({ moment, change }) {
    if (change === "withdrawn") this.moments.delete(moment.id);
    else this.moments.set(moment.id, moment);
    this.draw();
  }

  draw() {
    const now = Date.now();
    const types = Object.keys(TYPES);
    const bars = [];
    for (const [id, m] of this.moments) {
      const end = m.endedAt || Math.min(now, m.expiresAt);
      if (end < now - SPAN) {
        this.moments.delete(id);
        continue;
      }
      const lane = types.indexOf(m.type);
      if (lane < 0) continue;
      const x = Math.max(0, 1000 - ((now - m.openedAt) / SPAN) * 1000);
      const width = Math.max(4, 1000 - ((now - end) / SPAN) * 1000 - x);
      const y = lane * LANE + 12 + (parseInt(id.slice(-2), 36) % 3 || 0) * 14;
      bars.push(svg("rect", { class: `bar ${m.type} ${m.ended || "open"}`, x, y, width, height: 10, rx: 5 }, svg("title", {}, needOf(m) || m.type)));
    }
    this.bars.replaceChildren(...bars);
    this.empty.hidden = this.moments.size > 0;
  }

  serve() {}
  move() {}
  settle() {}
}

function code() {
  const pre = document.createElement("pre");
  pre.textContent = `curl ${location.origin}/v1/track -d '{"anonymousId":"ana","event":"Products Searched","properties":{"query":"trail shoes near me"}}'`;
  return pre;
}
