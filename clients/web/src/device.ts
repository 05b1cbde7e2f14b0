/** What is kept on the device, behind the gate of consent, and what is said of the device. */

import type { Consent, Properties, Purpose } from "./types";

const PREFIX = "mm.";
const PURPOSES: Purpose[] = ["measure", "personalise", "location", "contact", "share"];

/** A random id that nobody can guess; `crypto.randomUUID` is there in secure contexts only. */
export const newId = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Few values by name: on the device while `open`, else in memory. A device that refuses (full, blocked) is done without. */
export class Store {
  open = false;
  private memory: Record<string, string | null> = {};

  get(name: string): string | null {
    const held = this.memory[name];
    if (held !== undefined) return held;
    try {
      return localStorage.getItem(PREFIX + name);
    } catch {
      return null;
    }
  }

  /** `null` takes it off the device. `always`: kept although the gate is closed. */
  set(name: string, value: string | null, always = false): void {
    this.memory[name] = value;
    try {
      if (value === null) localStorage.removeItem(PREFIX + name);
      else if (this.open || always) localStorage.setItem(PREFIX + name, value);
      else return;
      // What is on the device is read from there: other tabs write it too.
      delete this.memory[name];
    } catch {
      /* blocked or full: memory will do */
    }
  }
}

/** The person's word by purpose, what was declared before it, and the browser's own no (Global Privacy Control). */
export class Gate {
  readonly gpc = (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true;
  said: Consent = {};

  constructor(
    private store: Store,
    private declared: Consent,
  ) {
    this.load();
  }

  /** Read what was said, here or in another tab. */
  load(): void {
    try {
      this.said = JSON.parse(this.store.get("consent") ?? "{}") as Consent;
    } catch {
      /* not ours, so nothing was said */
    }
    this.store.open = this.keeps;
  }

  /** Yes, no, or nothing said. With GPC nothing is shared, and what you declared is no yes to a profile. */
  of(purpose: Purpose): boolean | undefined {
    if (this.gpc && purpose === "share") return false;
    const said = this.said[purpose];
    if (said !== undefined) return said;
    return this.gpc && purpose === "personalise" ? false : this.declared[purpose];
  }

  /** All that is known. */
  get all(): Consent {
    return this.known((word) => word !== undefined);
  }

  /** What only the browser says: a no to what the person said nothing of here. */
  get browser(): Consent | undefined {
    return this.gpc ? this.known((word, purpose) => word === false && this.said[purpose] !== false) : undefined;
  }

  /** Whether an id may be kept and events sent. */
  get keeps(): boolean {
    return this.of("measure") === true || this.of("personalise") === true;
  }

  /** Take the person's word. It stays on the device, a refusal too (without any id), so that nobody is asked twice. */
  say(said: Consent): void {
    this.said = { ...this.said, ...said };
    this.store.open = this.keeps;
    this.store.set("consent", JSON.stringify(this.said), true);
  }

  private known(wanted: (word: boolean | undefined, purpose: Purpose) => boolean): Consent {
    const found: Consent = {};
    for (const purpose of PURPOSES) if (wanted(this.of(purpose), purpose)) found[purpose] = this.of(purpose);
    return found;
  }
}

/** `mobile`, `tablet` or `desktop`. */
export function deviceType(): string {
  const agent = navigator.userAgent;
  if (/iPad|Tablet|Android(?!.*Mobi)/.test(agent)) return "tablet";
  return /Mobi|iPhone|Android/.test(agent) ? "mobile" : "desktop";
}

/** The browser's word for the connection, such as `4g`; `unknown` where it has none. */
export const network = (): string =>
  (navigator as { connection?: { effectiveType?: string } }).connection?.effectiveType ?? "unknown";

/** The context of an event: this page, this device, what the browser says of consent. */
export function context(gate: Gate, version: string, channel?: string): Properties {
  const { pathname: path, search, href: url } = location;
  return {
    page: { path, search, url, title: document.title, referrer: document.referrer },
    device: { type: deviceType() },
    locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    library: { name: "@micromoments/web", version },
    ...(channel && { channel }),
    // The person's own word goes once, with its time: repeated, it would overrule what they said later elsewhere.
    ...(gate.gpc && { gpc: true, consent: { categoryPreferences: gate.browser } }),
  };
}
