// The town, its people, and the moments that they are in.

import { TYPES, needOf, still, svg } from "./base.js";

const WIDTH = { main: 17, street: 10, lane: 6, path: 4 };
const FADE = 4500;

export class TownMap {
  constructor(holder, town) {
    this.people = new Map();
    this.moments = new Map();
    this.places = new Map(town.places.map((p) => [p.id, p]));
    const { halfWidth: w, halfHeight: h } = town.plan;
    this.svg = svg("svg", {
      class: "map",
      viewBox: `${-w} ${-h} ${2 * w} ${2 * h}`,
      preserveAspectRatio: "xMidYMid slice",
      role: "img",
      "aria-label": `A map of ${town.plan.name}, an invented town, with the moments that its people are in. The list below says the same in words.`,
    });
    this.links = svg("g", { class: "links" });
    this.crowd = svg("g", { class: "crowd" });
    this.marks = svg("g", { class: "marks" });
    this.svg.append(...ground(town), this.links, this.crowd, this.marks);
    holder.replaceChildren(this.svg);
    this.half = [w, h];
    new ResizeObserver(() => this.scale()).observe(holder);
    this.scale();
  }

  /** Keep marks and words the same size on the screen, whatever the size of the map. */
  scale() {
    const { width, height } = this.svg.getBoundingClientRect();
    if (!width) return;
    this.k = 1 / Math.max(width / (2 * this.half[0]), height / (2 * this.half[1]));
    this.seen = [(width * this.k) / 2, (height * this.k) / 2];
    this.svg.style.setProperty("--k", this.k.toFixed(3));
    this.tidy();
  }

  /** Where people are now; they glide there. */
  move(list) {
    const seen = new Set();
    for (const one of list) {
      seen.add(one.id);
      let person = this.people.get(one.id);
      if (!person) {
        person = { dot: svg("circle", { r: 1, class: one.you ? "person you" : "person" }) };
        this.people.set(one.id, person);
        this.crowd.append(person.dot);
      }
      Object.assign(person, one);
      person.dot.style.transform = `translate(${one.x}px, ${-one.y}px) scale(calc(var(--k) * 3.2))`;
      for (const moment of this.moments.values()) if (moment.person === one.id) this.put(moment);
    }
    for (const [id, person] of this.people) {
      if (seen.has(id) || person.you) continue;
      person.dot.remove();
      this.people.delete(id);
    }
  }

  /** A moment opened, changed or ended. */
  moment(told) {
    const { moment, person, change } = told;
    let shown = this.moments.get(moment.id);
    if (change === "withdrawn") {
      if (shown) this.remove(shown);
      return;
    }
    if (!shown) {
      if (moment.ended || !TYPES[moment.type] || !this.people.has(person)) return;
      shown = { id: moment.id, person, mark: svg("g", { class: "mark" }), links: [], short: "" };
      this.moments.set(moment.id, shown);
      this.marks.append(shown.mark);
    }
    shown.type = moment.type;
    this.draw(shown, moment);
    this.put(shown);
    this.tidy();
    if (moment.ended) this.end(shown, moment.ended);
  }

  /** Words that would lie over newer ones, or over the edge, are left out: the list below has them all. */
  tidy() {
    if (!this.seen) return;
    const taken = [];
    for (const shown of [...this.moments.values()].reverse()) {
      if (!shown.at) continue;
      const [x, y] = [shown.at[0] / this.k, -shown.at[1] / this.k];
      const long = shown.short.length * 7.2 + 20;
      const box = { left: shown.flip ? x - long : x - 10, right: shown.flip ? x + 10 : x + long, top: y - 11, bottom: y + 11 };
      const edge = this.seen[0] / this.k - 4;
      const bare = box.left < -edge || box.right > edge || taken.some((t) => box.left < t.right && box.right > t.left && box.top < t.bottom && box.bottom > t.top);
      shown.mark.classList.toggle("bare", bare);
      taken.push(bare ? { left: x - 12, right: x + 12, top: y - 12, bottom: y + 12 } : box);
    }
  }

  draw(shown, moment) {
    const words = needOf(moment);
    shown.short = words.length > 30 ? `${words.slice(0, 28)}…` : words;
    const path = TYPES[moment.type].path;
    const kept = ["served", "bare"].filter((name) => shown.mark.classList.contains(name));
    shown.mark.setAttribute("class", ["mark", moment.type, ...kept, ...(moment.ended ? ["ended", moment.ended] : [])].join(" "));
    shown.mark.replaceChildren(
      svg("circle", { class: "halo", r: 15 }),
      svg("path", { class: "shape", d: path }),
      svg("path", { class: "tick", d: "M-4.5 0.5L-1.2 4L5-3.5" }),
      svg("text", { class: "label", x: 15, y: 4 }, shown.short),
    );
  }

  put(shown) {
    const at = this.people.get(shown.person);
    if (!at) return;
    shown.at = [at.x, at.y];
    const flip = at.x > 0.3 * (this.seen?.[0] ?? this.half[0]);
    shown.flip = flip;
    shown.mark.classList.toggle("flip", flip);
    shown.mark.querySelector(".label")?.setAttribute("x", flip ? -15 : 15);
    shown.mark.style.transform = `translate(${at.x}px, ${-at.y}px) scale(var(--k))`;
    for (const link of shown.links) link.line.setAttribute("d", curve(shown.at, link.to));
  }

  /** What was served: a line to each place among it. */
  serve(decision) {
    const shown = this.moments.get(decision.momentId);
    if (!shown || decision.holdout) return;
    shown.mark.classList.add("served");
    for (const link of shown.links) link.line.remove();
    const place = (decision.items || []).map((item) => this.places.get(item.id)).find(Boolean);
    shown.links = [];
    if (!place || !shown.at) return;
    const line = svg("path", { class: `link ${shown.type}`, d: curve(shown.at, [place.x, place.y]) });
    this.links.append(line);
    shown.links.push({ line, to: [place.x, place.y] });
  }

  end(shown, how) {
    this.moments.delete(shown.id);
    for (const link of shown.links) link.line.classList.add("ended", how);
    setTimeout(() => this.remove(shown), still() ? 2500 : FADE);
  }

  remove(shown) {
    this.moments.delete(shown.id);
    shown.mark.remove();
    for (const link of shown.links) link.line.remove();
  }

  /** Moments that the stream says nothing more of are let go when their time is over. */
  settle(now, expires) {
    this.tidy();
    for (const [id, shown] of this.moments) if ((expires.get(id) ?? now) < now - 5000) this.end(shown, "expired");
  }
}

function line(points, close) {
  return `M${points.map(([x, y]) => `${x} ${-y}`).join("L")}${close ? "Z" : ""}`;
}

function curve([x1, y1], [x2, y2]) {
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2 + Math.hypot(x2 - x1, y2 - y1) * 0.18];
  return `M${x1} ${-y1}Q${mx} ${-my} ${x2} ${-y2}`;
}

function ground({ plan, places }) {
  const streets = (kind, cls) =>
    svg("path", { class: cls, "stroke-width": WIDTH[kind], d: plan.streets.filter((s) => s.kind === kind).map((s) => line(s.line)).join("") });
  return [
    svg("g", { class: "ground" },
      ...plan.parks.map((park) => svg("path", { class: "park", d: line(park.shape, true) })),
      streets("lane", "street lane"),
      streets("street", "street"),
      svg("path", { class: "water", d: line(plan.sea, true) }),
      svg("path", { class: "water", d: line(plan.river, true) }),
      streets("path", "street path"),
      svg("path", { class: "rail", d: line(plan.rail) }),
      streets("main", "street main")),
    svg("g", { class: "names", "aria-hidden": "true" },
      ...plan.districts.map((d) => svg("text", { class: /Bay|River/.test(d.name) ? "name wet" : "name", x: d.at[0], y: -d.at[1] }, d.name))),
    svg("g", { class: "places" },
      ...places.map((p) => svg("circle", { class: "place", cx: p.x, cy: -p.y, r: 7 }, svg("title", {}, p.title)))),
  ];
}
