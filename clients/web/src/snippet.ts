/** The script tag: `<script async src=".../sdk.js" data-write-key="...">` makes `window.micromoments`, of the class `window.Micromoments`. */

import { Micromoments } from "./client";
import type { Consent, Purpose } from "./types";

type Ask = (client: Micromoments) => void;
const script = document.currentScript as HTMLScriptElement | null;
const said = script?.dataset ?? {};
const list = (text?: string): string[] | undefined => text?.split(/[\s,]+/).filter(Boolean);

const place = window as unknown as { micromoments?: Ask[] | Micromoments; Micromoments: typeof Micromoments };
const before = place.micromoments;
if (!(before instanceof Micromoments)) {
  const consent: Consent = {};
  for (const purpose of list(said.consent) ?? []) consent[purpose as Purpose] = true;
  const client = new Micromoments({
    writeKey: said.writeKey,
    host: said.host ?? (script ? new URL(script.src).origin : undefined),
    consent,
    page: said.page !== "off",
    search: said.search === "off" ? [] : list(said.search),
    pain: said.pain !== "off",
    timeout: said.timeout ? Number(said.timeout) : undefined,
    channel: said.channel,
  });
  place.micromoments = client;
  place.Micromoments = Micromoments;
  if (Array.isArray(before)) for (const ask of before) client.push(ask);
}
