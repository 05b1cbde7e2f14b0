// What the menu's things are called.

import { t } from "./base.js";

export const thing = (sku) => t(`thing.${sku}`);
export const lineWords = (line) => `${line.quantity} × ${thing(line.sku)}${line.options?.length ? ` (${line.options.map((o) => t(`option.${o}`)).join(", ")})` : ""}`;
