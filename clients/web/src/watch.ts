/**
 * Impressions and clicks, by attribute: `data-mm-item` within `data-mm-slot`. The decision is the slot's last one that
 * holds the item, or what `data-mm-decision` says.
 */

import type { Choice, Properties } from "./types";

/** Seen is half of it, or half a screen of it, for a second (the Media Rating Council's rule for display). */
const LONG_ENOUGH = 1000;
const ITEM = "[data-mm-item]";

export class Watch {
  private told = new Set<string>();
  private choices = new Map<string, Choice>();
  private timers = new Map<Element, number>();
  private eyes = new IntersectionObserver((entries) => entries.forEach((entry) => this.looked(entry)), {
    threshold: [0, 0.25, 0.5],
  });

  constructor(private tell: (event: string, properties: Properties) => void) {
    for (const kind of ["click", "auxclick"]) document.addEventListener(kind, (event) => this.clicked(event), true);
    new MutationObserver((changes) => {
      for (const { type, target, addedNodes } of changes) {
        for (const node of type === "attributes" ? [target] : addedNodes) if (node instanceof Element) this.find(node);
      }
    }).observe(document, { childList: true, subtree: true, attributeFilter: ["data-mm-decision", "data-mm-item"] });
    this.find(document.documentElement);
  }

  /** A slot has a decision: what is in it is looked at anew. */
  chose(slot: string, choice: Choice): void {
    this.choices.set(slot, choice);
    for (const box of document.querySelectorAll(`[data-mm-slot="${CSS.escape(slot)}"]`)) this.find(box);
  }

  private find(within: Element): void {
    for (const item of [within, ...within.querySelectorAll(ITEM)]) if (item.matches(ITEM)) this.anew(item);
  }

  /** Observed anew, an element is looked at anew: it may have got its decision only now. */
  private anew(item: Element): void {
    this.eyes.unobserve(item);
    this.eyes.observe(item);
  }

  private looked({ target, isIntersecting, intersectionRatio, intersectionRect }: IntersectionObserverEntry): void {
    const seen = isIntersecting && (intersectionRatio >= 0.5 || intersectionRect.height >= innerHeight / 2);
    if (!seen) {
      clearTimeout(this.timers.get(target));
      this.timers.delete(target);
    } else if (!this.timers.has(target)) {
      const timer = setTimeout(() => this.saw(target), LONG_ENOUGH) as unknown as number;
      this.timers.set(target, timer);
    }
  }

  private saw(item: Element): void {
    this.timers.delete(item);
    if (!item.isConnected) return;
    // Whoever comes back to the page finds it where it was: nothing moves, so nothing else would look again.
    if (document.visibilityState === "hidden") this.anew(item);
    else if (this.say("Decision Seen", item)) this.eyes.unobserve(item);
  }

  private clicked(event: Event): void {
    if (!(event.target instanceof Element) || (event as MouseEvent).button === 2) return;
    const item = event.target.closest(ITEM);
    if (item) this.say(event.target.closest("[data-mm-dismiss]") ? "Decision Dismissed" : "Decision Clicked", item);
  }

  /** Tell it once for each decision and item. */
  private say(event: string, item: Element): boolean {
    const slot = item.closest("[data-mm-slot]")?.getAttribute("data-mm-slot") ?? undefined;
    const item_id = item.getAttribute("data-mm-item");
    const choice = this.choices.get(slot ?? "");
    const decision_id =
      item.closest("[data-mm-decision]")?.getAttribute("data-mm-decision") ??
      (choice?.items.some(({ id }) => id === item_id) && choice.decisionId);
    if (!decision_id) return false;
    const key = `${event} ${decision_id} ${item_id}`;
    if (!this.told.has(key)) {
      this.told.add(key);
      this.tell(event, { decision_id, item_id, slot });
    }
    return true;
  }
}
