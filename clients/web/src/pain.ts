/** Clicks in anger (`Rage Click`), and clicks that nothing came of (`Dead Click`). What was written or read is not told. */

import type { Properties } from "./types";

/** So many clicks, each this soon (ms) and near (px) after the one before, are anger. */
const ANGER = 3;
const SOON = 500;
const NEAR = 30;
/** Milliseconds in which a page answers a click, if it answers. */
const PATIENCE = 3000;
/** What promises that a click does something, and what is meant to be clicked fast. */
const PROMISE = 'button,summary,a[href],[role=button],[role=link],[role=tab],[type=submit],[type=button],[data-mm-item]';
const REPEATED = "input,select,textarea,video,audio,[contenteditable],[data-mm-repeat]";
/** Where a browser answers by itself, perhaps late: it loads another page. */
const LOADS = 'a[href]:not([href^="#"]),form';

export class Pain {
  private last: MouseEvent | undefined;
  private count = 0;
  private waiting = new Map<Element, number>();
  private changes = new MutationObserver(() => this.answered());

  constructor(private tell: (event: string, properties: Properties) => void) {
    addEventListener("click", (event) => this.clicked(event), true);
    for (const kind of ["scroll", "input", "focusin", "blur", "hashchange", "popstate", "pagehide"]) {
      addEventListener(kind, () => this.answered(), { capture: true, passive: true });
    }
  }

  private clicked(event: MouseEvent): void {
    const { target, detail, clientX, clientY, timeStamp } = event;
    // Without detail it came from a key or a script.
    if (!detail || !(target instanceof Element) || target.closest(REPEATED)) return;
    const { last } = this;
    const again = last && timeStamp - last.timeStamp < SOON && Math.hypot(clientX - last.clientX, clientY - last.clientY) < NEAR;
    this.count = again ? this.count + 1 : 1;
    this.last = event;
    // Three clicks that select a paragraph are reading.
    if (this.count === ANGER && getSelection()?.isCollapsed !== false) this.say("Rage Click", target);
    const promise = target.closest(PROMISE);
    if (!promise) return;
    this.changes.observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
    clearTimeout(this.waiting.get(promise));
    const timer = setTimeout(() => {
      this.waiting.delete(promise);
      if (event.defaultPrevented || !promise.closest(LOADS)) this.say("Dead Click", promise);
    }, PATIENCE) as unknown as number;
    this.waiting.set(promise, timer);
  }

  /** The page did something: no click that waits is a dead one. */
  private answered(): void {
    this.waiting.forEach(clearTimeout);
    this.waiting.clear();
    this.changes.disconnect();
  }

  private say(event: string, target: Element): void {
    const { id, localName } = target;
    this.tell(event, {
      element: id ? `${localName}#${id}` : localName,
      item_id: target.closest("[data-mm-item]")?.getAttribute("data-mm-item") ?? undefined,
      slot: target.closest("[data-mm-slot]")?.getAttribute("data-mm-slot") ?? undefined,
    });
  }
}
