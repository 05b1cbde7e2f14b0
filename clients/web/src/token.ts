/** The person token: asked for when it is needed, and again when it has run out. */

import type { Token } from "./types";

/** Who a token is of, and until when (ms). Read, not checked: the server does that. */
export function claims(token: string): { sub: string; until: number } | undefined {
  try {
    const part = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0));
    const { sub, exp } = JSON.parse(new TextDecoder().decode(bytes)) as { sub: string; exp: number };
    return { sub, until: exp * 1000 };
  } catch {
    return undefined;
  }
}

export class Bearer {
  private token: string | undefined;
  private asking: Promise<string | undefined> | undefined;

  constructor(private source?: Token) {
    this.use(source);
  }

  /** Forget the token, and take another source; one that must be asked is asked now, so that it is at hand. */
  use(source?: Token): void {
    this.source = source;
    this.token = typeof source === "string" ? source : undefined;
    if (source) void this.get();
  }

  /** The token at hand while it is good. */
  held(): string | undefined {
    const until = this.token ? claims(this.token)?.until : 0;
    return until && until > Date.now() + 5000 ? this.token : undefined;
  }

  /** A token that is good, if one can be had. `fresh`: the one at hand was refused. */
  async get(fresh = false): Promise<string | undefined> {
    if (fresh) {
      if (typeof this.source === "string") this.source = undefined;
      this.token = undefined;
    }
    const held = this.held();
    if (held || !this.source) return held;
    const source = this.source;
    this.asking ??= (async () => (typeof source === "string" ? source : await source()))()
      .catch(() => undefined)
      .finally(() => (this.asking = undefined));
    const token = await this.asking;
    if (source === this.source) this.token = token;
    return this.held();
  }
}
