/** Pages and searches by themselves, in single-page apps too. */

import type { Micromoments } from "./client";
import type { Options } from "./types";

const SEARCH = ["q", "query", "search", "s"];

export class Auto {
  private path = "";
  private words = "";

  constructor(
    private client: Micromoments,
    private options: Options,
  ) {
    if (options.page === false && options.search?.length === 0) return;
    this.look(true);
    addEventListener("popstate", () => this.look());
    const push = history.pushState.bind(history);
    history.pushState = (...given) => {
      push(...given);
      // The page's own title comes after its address.
      setTimeout(() => this.look());
    };
  }

  private look(first = false): void {
    const { pathname, search } = location;
    const words = this.searched(search);
    const moved = pathname !== this.path;
    if ((moved || words !== this.words) && !first) this.client.begin();
    if (moved && this.options.page !== false) this.client.page();
    if (words && words !== this.words) this.client.track("Products Searched", { query: words });
    if (first) this.client.begin(0);
    this.path = pathname;
    this.words = words;
  }

  private searched(search: string): string {
    const given = new URLSearchParams(search);
    for (const name of this.options.search ?? SEARCH) {
      const words = given.get(name)?.trim();
      if (words) return words;
    }
    return "";
  }
}
