/** The client: calls in, decisions out, with consent before both. */

import { Auto } from "./auto";
import { Gate, Store, context, network, newId } from "./device";
import { Pain } from "./pain";
import { Queue } from "./queue";
import { Bearer, claims } from "./token";
import type { Asking, Call, Choice, Consent, Item, Live, Options, Properties, Reason, Token } from "./types";
import { Watch } from "./watch";

export const VERSION = "0.1.0";
/** A decision asked for this long after the page or search before it answers a need of its own. */
const SAME_NEED = 10_000;
type Fields = Omit<Call, "messageId" | "timestamp" | "anonymousId">;

export class Micromoments {
  readonly host: string;
  private store = new Store();
  private gate: Gate;
  private bearer: Bearer;
  private queue: Queue;
  private watch: Watch;
  private anonymous = "";
  private needed = 0;
  private telling: Promise<void> | undefined;

  constructor(private options: Options = {}) {
    this.host = (options.host ?? location.origin).replace(/\/$/, "");
    this.gate = new Gate(this.store, options.consent ?? {});
    this.bearer = new Bearer(options.token);
    this.queue = new Queue(
      this.store,
      this.gate,
      {
        url: `${this.host}/v1/batch`,
        writeKey: options.writeKey,
        bearer: (fresh) => this.bearer.get(fresh),
        held: () => this.bearer.held(),
      },
      options.most ?? 200,
    );
    if (this.gate.keeps) this.keep();
    else this.forget();
    this.watch = new Watch((event, properties) => this.track(event, properties));
    if (options.pain !== false) new Pain((event, properties) => this.track(event, properties));
    new Auto(this, options);
    addEventListener("storage", ({ key }) => key === "mm.consent" && this.heard());
  }

  /** Something happened. */
  track(event: string, properties: Properties = {}): void {
    if (event === "Products Searched") this.begin();
    this.call({ type: "track", event, properties });
  }

  /** A page was seen; `auto` calls this by itself. */
  page(name?: string, properties: Properties = {}): void {
    const { pathname: path, search, href: url } = location;
    const { title, referrer } = document;
    this.call({ type: "page", name, properties: { path, search, url, title, referrer, ...properties } });
  }

  /** Who this is. With a token the server believes it, and what began on another device goes on here. */
  identify(userId: string, traits: Properties = {}, token?: Token): void {
    if (token) this.bearer.use(token);
    this.store.set("user", userId);
    this.call({ type: "identify", traits });
  }

  /** Which group they belong to. */
  group(groupId: string, traits: Properties = {}): void {
    this.call({ type: "group", groupId, traits });
  }

  /** Sign out: the next person on this device is somebody else. */
  reset(): void {
    void this.queue.flush();
    this.bearer.use();
    this.forget();
    if (this.gate.keeps) this.keep();
  }

  /**
   * Take the person's word, or only read it. A yes to measure or personalise opens the device, a no to both clears it.
   * `known`: the server has it already, from another device.
   */
  consent(said?: Consent, known = false): Consent {
    if (said) {
      const kept = this.gate.keeps;
      const word = this.made({ type: "track", event: "Consent Updated", properties: said });
      this.gate.say(said);
      if (this.gate.keeps) {
        this.keep();
        this.queue.release();
        if (!known) this.queue.add(word);
        this.telling = this.queue.flush();
      } else {
        // Only an id that was in use has a profile that must be told to stop.
        this.queue.drop(kept && !known ? word : undefined);
        this.forget();
      }
      dispatchEvent(new CustomEvent("micromoments:consent", { detail: this.gate.all }));
    }
    return this.gate.all;
  }

  /** Whether the browser says Global Privacy Control. */
  get gpc(): boolean {
    return this.gate.gpc;
  }

  /** What to serve in a slot. Never rejects: where no answer came in time, the fallback stands. */
  async decide(slot: string, asking: Asking = {}): Promise<Choice> {
    const now = performance.now();
    const since = now - this.needed < SAME_NEED ? this.needed : now;
    const decisionId = `d-${newId()}`;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), asking.timeout ?? this.options.timeout ?? 800);
    const stands = (reason: Reason): Choice => {
      const items: Item[] = asking.fallback ?? [];
      return { decisionId, slot, items, moment: null, shown: "default", reason, since };
    };
    const event = this.queue.borrow();
    let taken = false;
    try {
      const answer = await this.ask(slot, decisionId, asking, event, stop.signal);
      taken = answer.ok;
      if (!answer.ok) return stands("refused");
      const said = (await answer.json()) as Choice;
      if (!said.items.length) return { ...stands("empty"), moment: said.moment };
      this.watch.chose(slot, said);
      return { ...said, shown: "decision", since };
    } catch {
      return stands(stop.signal.aborted ? "late" : "offline");
    } finally {
      clearTimeout(timer);
      if (event) this.queue.landed([event], taken);
      if (!taken) void this.queue.flush();
    }
  }

  private async ask(slot: string, decisionId: string, asking: Asking, event: Call | undefined, signal: AbortSignal) {
    // Waiting for a token counts: the time-out is the person's patience.
    const late = new Promise<never>((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
    // What the person just allowed or forbade must be known when the question comes.
    await Promise.race([this.telling, late]);
    const personal = this.gate.of("personalise") === true;
    const token = personal ? await Promise.race([this.bearer.get(), late]) : undefined;
    // Without consent each question comes from nobody in particular: two of them can't be put together.
    const anonymousId = this.gate.keeps ? this.anonymous : newId();
    const { context, limit, items } = asking;
    const post = (token?: string) =>
      fetch(`${this.host}/v1/decide`, {
        method: "POST",
        body: JSON.stringify({
          slot,
          decisionId,
          ...(token ? {} : { anonymousId }),
          context: { ...context },
          limit,
          items,
          ...(event && { event: { ...event, sentAt: new Date().toISOString() } }),
        }),
        credentials: "omit",
        headers: this.headers(token),
        signal,
      });
    const answer = await post(token);
    return token && answer.status === 401 ? post(await Promise.race([this.bearer.get(true), late])) : answer;
  }

  /** Decide, and put it where `data-mm-slot` says. What stood there stays where `render` isn't called. */
  async slot(name: string, render: (items: Item[], box: Element, choice: Choice) => void, asking?: Asking): Promise<Choice> {
    const boxes = [...document.querySelectorAll(`[data-mm-slot="${CSS.escape(name)}"]`)];
    for (const box of boxes) box.setAttribute("aria-busy", "true");
    const choice = await this.decide(name, asking);
    for (const box of boxes) {
      try {
        if (choice.items.length) render(choice.items, box, choice);
        if (choice.shown === "decision") box.setAttribute("data-mm-decision", choice.decisionId);
      } finally {
        box.removeAttribute("aria-busy");
      }
    }
    this.rendered(choice);
    return choice;
  }

  /** Say that a choice is on the page; when the next frame is painted its time from the need is known. */
  rendered(choice: Choice): void {
    // A tab in the background paints nothing, and nobody waits before it.
    if (document.visibilityState === "hidden") return;
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        this.track("Decision Rendered", {
          decision_id: choice.decisionId,
          slot: choice.slot,
          shown: choice.shown,
          reason: choice.reason,
          milliseconds: Math.round(performance.now() - choice.since),
          network: network(),
        });
      }),
    );
  }

  /** Listen to the person's own moments. Needs a token and consent to personalise; gives what ends it. */
  live(listen: (message: Live) => void): () => void {
    let source: EventSource | undefined;
    let last = "";
    let ended = false;
    let failures = 0;
    const open = async (fresh: boolean): Promise<void> => {
      const token = this.gate.of("personalise") === true ? await this.bearer.get(fresh) : undefined;
      if (ended) return;
      if (!token) return again();
      source = new EventSource(
        `${this.host}/v1/stream?${new URLSearchParams({ access_token: token, ...(last && { lastEventId: last }) })}`,
      );
      source.onopen = () => (failures = 0);
      // The browser comes back by itself after a break, but not after a refusal, such as of a token that ran out.
      source.onerror = () => source?.readyState === EventSource.CLOSED && again();
      for (const kind of ["moment", "decision", "delivery", "gap"] as const) {
        source.addEventListener(kind, (message) => {
          last = message.lastEventId;
          listen({ kind, data: JSON.parse(message.data as string) as Properties });
        });
      }
    };
    const again = (): void => {
      if (!ended) setTimeout(() => void open(true), Math.min(60_000, 1000 * 2 ** failures++));
    };
    void open(false);
    return () => {
      ended = true;
      source?.close();
    };
  }

  /** Ask a door of the person's own, such as `GET` `/v1/people/ana/export`, by their token. */
  async own(method: string, path: string): Promise<Response> {
    return fetch(this.host + path, { method, credentials: "omit", headers: this.headers(await this.bearer.get()) });
  }

  /** The userId of the token, where there is a good one. */
  async who(): Promise<string | undefined> {
    return claims((await this.bearer.get()) ?? "")?.sub;
  }

  /** Send what waits now. */
  flush(): Promise<void> {
    return this.queue.flush();
  }

  /** Call with the client: what a page asked before this was loaded. */
  push(ask: (client: Micromoments) => void): void {
    ask(this);
  }

  /** A need begins: a page was opened, a search typed. `at`: by `performance.now()`; a page's own need begins at 0. */
  begin(at = performance.now()): void {
    this.needed = at;
  }

  private call(fields: Fields): void {
    this.queue.add(this.made(fields));
  }

  private made(fields: Fields): Call {
    const userId = this.store.get("user") ?? undefined;
    return {
      ...fields,
      messageId: newId(),
      timestamp: new Date().toISOString(),
      anonymousId: this.anonymous,
      userId,
      context: this.context(),
    } as unknown as Call;
  }

  private context(): Properties {
    return context(this.gate, VERSION, this.options.channel);
  }

  private headers(token?: string): Record<string, string> {
    const key = this.options.writeKey;
    const said = token ? `Bearer ${token}` : key ? `Basic ${btoa(`${key}:`)}` : "";
    return said ? { authorization: said } : {};
  }

  /** The person said something in another tab. */
  private heard(): void {
    this.gate.load();
    if (this.gate.keeps) this.keep();
    else this.forget();
  }

  /** Put the id on the device, or take the one that is there. */
  private keep(): void {
    this.anonymous = this.store.get("id") ?? (this.anonymous || newId());
    this.store.set("id", this.anonymous);
    this.store.set("user", this.store.get("user"));
  }

  /** Take every id off the device; this page goes on as somebody new. */
  private forget(): void {
    this.store.set("id", null);
    this.store.set("user", null);
    this.anonymous = newId();
  }
}
