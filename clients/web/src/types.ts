/** What leaves and enters the SDK: its options, the calls' shapes, what a decision is. */

/** What a person may say yes or no to. What was not said counts as no. */
export type Purpose = "measure" | "personalise" | "location" | "contact" | "share";
export type Consent = Partial<Record<Purpose, boolean>>;
export type Properties = Record<string, unknown>;
/** A person token that your server signed, or what fetches one; asked again when it has run out. */
export type Token = string | (() => string | undefined | Promise<string | undefined>);

export interface Options {
  /** The public write key. */
  writeKey?: string;
  /** Where the server is, such as `https://mm.example.com`; this page's own origin unless given. */
  host?: string;
  token?: Token;
  /** What you declare for people who said nothing yet, where your law lets you. Nothing unless given. */
  consent?: Consent;
  /** Page views by themselves, in single-page apps too. On unless `false`. */
  page?: boolean;
  /** Parameters of the address that hold a search's words; `[]`: no search tracking. */
  search?: string[];
  /** Clicks in anger and into nothing by themselves. On unless `false`. */
  pain?: boolean;
  /** Milliseconds that `decide` waits before the default content stands: 800 unless given. */
  timeout?: number;
  /** Events kept while they can't be sent; the oldest go first: 200 unless given. */
  most?: number;
  /** Where this is, if the device's type doesn't say it: `kiosk`, say. */
  channel?: string;
}

/** One call in the Segment shape. */
export interface Call {
  type: "track" | "page" | "identify" | "group" | "alias";
  messageId: string;
  timestamp: string;
  anonymousId: string;
  userId?: string;
  [field: string]: unknown;
}

export interface Item {
  id: string;
  kind?: string;
  title?: string;
  score?: number;
  propensity?: number;
  reasons?: string[];
  attributes?: Properties;
}

export interface Moment {
  id: string;
  type: "know" | "go" | "do" | "buy" | "none";
  probabilities: Record<string, number>;
  need: Properties;
  confidence: number;
  urgency: number;
  evidence: { text: string; type: string; weight: number; at: number }[];
  expiresAt: number;
}

export interface Asking {
  /** What is known here and now: `query`, `lat`, `lon`, `timezone`, `device`. */
  context?: Properties;
  limit?: number;
  /** Only these items. */
  items?: string[];
  timeout?: number;
  /** What stands where no decision came in time. */
  fallback?: Item[];
}

/** Why the default content stands: the answer was late, didn't come, was a refusal, or held nothing. */
export type Reason = "late" | "offline" | "refused" | "empty";

export interface Choice {
  decisionId: string;
  slot: string;
  items: Item[];
  moment: Moment | null;
  /** `default` where the fallback stands. */
  shown: "decision" | "default";
  reason?: Reason;
  /** `performance.now()` of the need that this answers. */
  since: number;
  [field: string]: unknown;
}

/** One message of the live stream: `moment`, `decision`, `delivery` or `gap`. */
export interface Live {
  kind: "moment" | "decision" | "delivery" | "gap";
  data: Properties;
}
