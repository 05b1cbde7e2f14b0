/**
 * `<micromoments-preferences>`: what a person allows, why they see what they see, a copy of it all, and its end.
 *
 * It speaks through `window.micromoments`, or the client that is given as its property `client`. Words can be replaced by
 * its property `words`. Without a person token it shows the purposes alone.
 */

import type { Micromoments } from "./client";
import type { Consent, Purpose } from "./types";

const WORDS = {
  title: "What you allow",
  lead: "You decide what is kept and used. You can change your mind at any time; it takes effect at once.",
  measure: "Measure",
  measureAbout: "Count visits and what is used, to make this better for everybody.",
  personalise: "Personalise",
  personaliseAbout: "Use what you look for here to show you what fits. Off: everybody sees the same.",
  location: "Location",
  locationAbout: "Use roughly where you are to show what is near and open.",
  contact: "Contact",
  contactAbout: "Write to you about what you were looking for.",
  share: "Share",
  shareAbout: "Tell partners of ours what you look for.",
  gpc: "Your browser asks not to share (Global Privacy Control), so we don't.",
  nothing: "Allow nothing",
  saved: "Saved.",
  why: "Why you see what you see",
  whyNone: "We hold nothing that you seem to be looking for now.",
  because: "because",
  shown: "Shown lately",
  yours: "What we hold of you",
  copy: "Download a copy",
  erase: "Delete everything",
  sure: "Delete for good? This can't be undone.",
  yes: "Yes, delete it",
  no: "Keep it",
  erased: "Everything was deleted.",
  failed: "That didn't work. Please try again.",
};
type Words = typeof WORDS;
const PURPOSES: Purpose[] = ["measure", "personalise", "location", "contact", "share"];
const STYLE = `
:host { display: block; max-width: 40rem; font: inherit; color: inherit; line-height: 1.5; }
h2 { font-size: 1.3em; margin: 0 0 .5rem; } h3 { font-size: 1.05em; margin: 1.5rem 0 .25rem; }
p { margin: .25rem 0; } ul { margin: .25rem 0; padding-left: 1.25rem; }
label { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; padding: .6rem 0; border-bottom: 1px solid #8885; cursor: pointer; }
label span { grid-column: 2; } label .about { opacity: .85; font-size: .92em; }
input { width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; accent-color: #00695c; grid-row: span 2; }
button { font: inherit; min-height: 2.75rem; padding: .4rem 1rem; margin: .5rem .5rem 0 0; border: 1px solid currentColor;
  border-radius: .4rem; background: transparent; color: inherit; cursor: pointer; }
button:hover { background: #8882; } :focus-visible { outline: 3px solid #00897b; outline-offset: 2px; }
.status { min-height: 1.5em; }
`;

interface Held {
  consent?: Consent;
  decisions?: { items?: { id: string; title?: string; reasons?: string[] }[] }[];
}
interface Open {
  type: string;
  need: { query?: string; category?: string };
  evidence: { text: string }[];
}

function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  more: Partial<HTMLElementTagNameMap[K]> = {},
  ...within: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), more);
  made.append(...within);
  return made;
}

export class Preferences extends HTMLElement {
  client?: Micromoments;
  words: Partial<Words> = {};
  private root = this.attachShadow({ mode: "open" });
  private status = make("p", { className: "status" });
  private boxes = new Map<Purpose, HTMLInputElement>();
  private heard = () => this.show();

  connectedCallback(): void {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    this.root.adoptedStyleSheets = [sheet];
    this.status.setAttribute("role", "status");
    addEventListener("micromoments:consent", this.heard);
    const page = window as unknown as { micromoments?: { push(ask: (client: Micromoments) => void): void } };
    if (this.client) this.begin(this.client);
    else (page.micromoments ??= [] as never).push((client) => this.begin(client));
  }

  disconnectedCallback(): void {
    removeEventListener("micromoments:consent", this.heard);
  }

  private say(name: keyof Words): string {
    return this.words[name] ?? WORDS[name];
  }

  private begin(client: Micromoments): void {
    this.client = client;
    const nothing = make("button", { type: "button", onclick: () => this.none() }, this.say("nothing"));
    this.root.replaceChildren(
      make("h2", {}, this.say("title")),
      make("p", {}, this.say("lead")),
      ...PURPOSES.map((purpose) => this.choice(client, purpose)),
      nothing,
      this.status,
    );
    this.show();
    void this.own(client);
  }

  private choice(client: Micromoments, purpose: Purpose): HTMLElement {
    const box = make("input", { type: "checkbox", name: purpose });
    box.onchange = () => {
      client.consent({ [purpose]: box.checked });
      this.status.textContent = this.say("saved");
    };
    box.disabled = client.gpc && purpose === "share";
    this.boxes.set(purpose, box);
    const about = this.say(box.disabled ? "gpc" : `${purpose}About`);
    return make("label", {}, box, make("span", {}, this.say(purpose)), make("span", { className: "about" }, about));
  }

  private show(): void {
    const known = this.client?.consent() ?? {};
    for (const [purpose, box] of this.boxes) box.checked = known[purpose] === true;
  }

  /** One word for everything: the off switch. */
  private none(): void {
    this.client?.consent(Object.fromEntries(PURPOSES.map((purpose) => [purpose, false])));
    this.status.textContent = this.say("saved");
  }

  /** What needs a token: why this, the copy, the end. */
  private async own(client: Micromoments): Promise<void> {
    const sub = await client.who();
    if (!sub) return;
    const person = `/v1/people/${encodeURIComponent(`user:${sub}`)}`;
    await client.flush();
    const [told, held] = await Promise.all([this.ask(`${person}/moments`), this.ask(`${person}/export`)]);
    this.elsewhere(client, (held as Held)?.consent ?? {});
    const yours = make("section");
    yours.append(
      make("h3", {}, this.say("yours")),
      make("button", { type: "button", onclick: () => void this.copy(`${person}/export`) }, this.say("copy")),
      make("button", { type: "button", onclick: () => this.sure(yours, person) }, this.say("erase")),
    );
    this.root.append(this.why((told as { moments?: Open[] })?.moments ?? [], held as Held), yours);
  }

  /** A no that was said on another device holds here too; a yes there says nothing about this device. */
  private elsewhere(client: Micromoments, said: Consent): void {
    const noes = PURPOSES.filter((purpose) => said[purpose] === false && client.consent()[purpose] === true);
    if (noes.length) client.consent(Object.fromEntries(noes.map((purpose) => [purpose, false])), true);
  }

  private why(moments: Open[], held: Held): HTMLElement {
    const because = (reasons: string[]) => (reasons.length ? ` (${this.say("because")}: ${reasons.join("; ")})` : "");
    const part = make("section", {}, make("h3", {}, this.say("why")));
    const open = moments.map(({ type, need, evidence }) =>
      make("li", {}, `${need.query || need.category || type}${because(evidence.map(({ text }) => text))}`),
    );
    part.append(open.length ? make("ul", {}, ...open) : make("p", {}, this.say("whyNone")));
    const items = new Map((held?.decisions ?? []).flatMap(({ items }) => items ?? []).map((item) => [item.id, item]));
    if (items.size) {
      const lately = [...items.values()].slice(-8).reverse();
      const lines = lately.map((item) => make("li", {}, `${item.title || item.id}${because(item.reasons ?? [])}`));
      part.append(make("h3", {}, this.say("shown")), make("ul", {}, ...lines));
    }
    return part;
  }

  private async ask(path: string): Promise<unknown> {
    const answer = await this.client?.own("GET", path).catch(() => undefined);
    return answer?.ok ? answer.json() : undefined;
  }

  private async copy(path: string): Promise<void> {
    const held = await this.ask(path);
    if (held === undefined) return this.failed();
    const href = URL.createObjectURL(new Blob([JSON.stringify(held, null, 2)], { type: "application/json" }));
    make("a", { href, download: "person.json" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }

  /** Deleting asks once more, in the same place, without a dialogue that a page may forbid. */
  private sure(part: HTMLElement, person: string): void {
    const before = [...part.childNodes];
    const yes = make("button", { type: "button", onclick: () => void this.erase(part, person) }, this.say("yes"));
    const no = make("button", { type: "button", onclick: () => part.replaceChildren(...before) }, this.say("no"));
    part.replaceChildren(make("p", {}, this.say("sure")), yes, no);
    no.focus();
  }

  private async erase(part: HTMLElement, person: string): Promise<void> {
    const client = this.client;
    // Nothing may come after the end, so the device goes first.
    const before = client?.consent() ?? {};
    client?.consent(Object.fromEntries(PURPOSES.map((purpose) => [purpose, false])), true);
    const answer = await client?.own("DELETE", person).catch(() => undefined);
    if (!answer?.ok) {
      client?.consent(before, true);
      return this.failed();
    }
    part.replaceChildren();
    this.status.textContent = this.say("erased");
    for (const section of this.root.querySelectorAll("section")) section.remove();
  }

  private failed(): void {
    this.status.textContent = this.say("failed");
  }
}

customElements.define("micromoments-preferences", Preferences);
