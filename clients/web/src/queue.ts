/** Events on their way: held until consent, kept while offline, sent in batches, sent again until they are taken. */

import type { Gate, Store } from "./device";
import type { Call } from "./types";

/** Bytes of one request: browsers give all requests that outlive a page 64 KB together. */
const BATCH = 50_000;
const SOON = 300;
const LONGEST = 300_000;
/** Nobody is asked to wait longer: the device's clock was wrong when it was noted. */
const UNLIKELY = 86_400_000;
/** The server refuses a larger event. */
const LARGEST = 32_000;

const size = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

export interface Wire {
  url: string;
  writeKey?: string;
  /** The person token to send with, if there is one. `fresh`: the last one was refused. */
  bearer(fresh?: boolean): Promise<string | undefined>;
  /** The token at hand, where there is no time to ask. */
  held(): string | undefined;
}

export class Queue {
  private waiting: Call[] = [];
  private flying = new Set<string>();
  private timer = 0;
  private failures = 0;
  private sending: Promise<void> | undefined;

  constructor(
    private store: Store,
    private gate: Gate,
    private wire: Wire,
    private most: number,
  ) {
    addEventListener("online", () => this.again());
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.leave());
    if (this.read().length) this.later();
  }

  /** Take a call. Before consent it waits in memory, and goes with the page. */
  add(call: Call): void {
    if (size(call) > LARGEST) return;
    if (this.gate.keeps) {
      this.write([...this.read(), call]);
      this.later();
    } else {
      this.waiting = [...this.waiting, call].slice(-this.most);
    }
  }

  /** Consent was given: what waited is sent. */
  release(): void {
    const waited = this.waiting;
    this.waiting = [];
    for (const call of waited) this.add(call);
  }

  /** Consent was taken back: nothing but this last word is still sent. */
  drop(last?: Call): void {
    this.waiting = [];
    this.store.set("queue", last ? JSON.stringify([last]) : null, true);
    if (last) void this.flush();
  }

  /** The newest call that isn't on its way yet; it travels with a decision. Give it back with `landed`. */
  borrow(): Call | undefined {
    if (!this.gate.keeps) return undefined;
    const call = this.ready().pop();
    if (call) this.flying.add(call.messageId);
    return call;
  }

  landed(calls: Call[], taken: boolean): void {
    const ids = new Set(calls.map((call) => call.messageId));
    for (const id of ids) this.flying.delete(id);
    if (taken) this.write(this.read().filter((call) => !ids.has(call.messageId)));
  }

  /** Send what there is; resolves when it was taken, or when it has to wait. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = 0;
    const wait = this.held();
    if (wait > 0) {
      this.later(Math.min(wait, LONGEST));
      return Promise.resolve();
    }
    return (this.sending ??= this.drain().finally(() => (this.sending = undefined)));
  }

  private async drain(): Promise<void> {
    for (;;) {
      const batch = this.batch();
      if (!batch.length) return;
      const wait = await this.send(batch);
      if (wait >= 0) {
        // What the server asked for holds on the next page too.
        this.store.set("wait", String(Date.now() + wait));
        return this.later(wait);
      }
    }
  }

  /** One request; gives the milliseconds to wait before the next, or -1 where the batch is done with. */
  private async send(batch: Call[]): Promise<number> {
    for (const call of batch) this.flying.add(call.messageId);
    let answer: Response | undefined;
    try {
      const token = this.wire.held() ?? (await this.wire.bearer());
      answer = await this.post(batch, token);
      if (answer.status === 401 && token) answer = await this.post(batch, await this.wire.bearer(true));
    } catch {
      /* no connection */
    }
    const status = answer?.status ?? 0;
    // 401 is a key that isn't known yet, or no longer; any other 4xx says that this batch will never be taken.
    const again = !status || status === 401 || status === 408 || status === 429 || status >= 500;
    this.landed(batch, !again);
    if (!again) {
      this.failures = 0;
      return -1;
    }
    const asked = after(answer?.headers.get("retry-after"));
    return asked ?? Math.min(LONGEST, 1000 * 2 ** this.failures++) * (0.5 + Math.random() / 2);
  }

  private post(batch: Call[], token?: string): Promise<Response> {
    return fetch(this.wire.url, {
      method: "POST",
      // Plain text, so that a browser sends it across origins without asking first.
      body: this.body(batch),
      keepalive: true,
      credentials: "omit",
      headers: token ? { authorization: `Bearer ${token}` } : {},
    });
  }

  private body(batch: Call[]): string {
    return JSON.stringify({ writeKey: this.wire.writeKey, sentAt: new Date().toISOString(), batch });
  }

  /** The page may be gone at any time: what isn't on its way goes now, and stays kept until an answer is seen. */
  private leave(): void {
    const batch = this.batch();
    if (!batch.length || this.held() > 0) return;
    const token = this.wire.held();
    if (!token && !("keepalive" in Request.prototype)) {
      navigator.sendBeacon(this.wire.url, this.body(batch));
      return;
    }
    for (const call of batch) this.flying.add(call.messageId);
    this.post(batch, token).then(
      (answer) => this.landed(batch, answer.ok),
      () => this.landed(batch, false),
    );
  }

  /** The milliseconds that are still to be waited. */
  private held(): number {
    const wait = Number(this.store.get("wait")) - Date.now();
    return wait < UNLIKELY ? wait : 0;
  }

  private again(): void {
    if (this.failures) this.store.set("wait", null);
    void this.flush();
  }

  private later(wait = SOON): void {
    if (!this.timer) this.timer = setTimeout(() => void this.flush(), wait) as unknown as number;
  }

  /** The oldest that fit into one request and aren't on their way. */
  private batch(): Call[] {
    let room = BATCH;
    return this.ready().filter((call) => (room -= size(call)) > 0);
  }

  private ready(): Call[] {
    return this.read().filter((call) => !this.flying.has(call.messageId));
  }

  private read(): Call[] {
    try {
      return JSON.parse(this.store.get("queue") ?? "[]") as Call[];
    } catch {
      return [];
    }
  }

  private write(calls: Call[]): void {
    this.store.set("queue", calls.length ? JSON.stringify(calls.slice(-this.most)) : null);
  }
}

/** Milliseconds that a `Retry-After` asks for: seconds, or a date. */
function after(said: string | null | undefined): number | undefined {
  if (!said) return undefined;
  const wait = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return wait >= 0 ? wait : undefined;
}
