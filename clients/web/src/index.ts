/** The package: `new Micromoments({ writeKey, host })`. */

export { Micromoments, VERSION } from "./client";
export { claims } from "./token";
export type * from "./types";
