// The catalogue: listed, searched, uploaded, edited, and tried as anybody.

import { ask, send } from "../api.js";
import { el, whole } from "../base.js";
import { button, confirmed, csvButton, empty, into, money, panel, table, toast } from "../frame.js";
import { text } from "../range.js";
import { readItems } from "./feed-file.js";
import { preview } from "./preview.js";

export const title = "Catalogue";
const KINDS = ["article", "guide", "place", "product", "offer"];

export function show(view, params, go) {
  const list = el("div", { class: "stack" });
  const editor = el("div", { class: "stack" });
  const words = text("Search", params.q, (q) => go({ q, cursor: "" }));
  words.querySelector("input").placeholder = "words of a title";
  const kinds = el("label", { class: "pick" }, el("span", {}, "Kind"), el("select", { onchange: (e) => go({ only: e.target.value, cursor: "" }) }, ["", ...KINDS].map((k) => el("option", { value: k, selected: k === (params.only || "") }, k || "all"))));
  view.append(el("div", { class: "controls", role: "group", "aria-label": "What to look at" }, words, kinds, button("New item", () => editor.replaceChildren(edit(blank(), go)))), upload(go), editor, list, preview());
  if (params.draft) editor.append(edit({ ...blank(), id: slug(params.draft), kind: KINDS.includes(params.kind) ? params.kind : "article", title: params.draft, tags: [slug(params.draft)], text: `For people who look for “${params.draft}”: say in a few words what helps them.` }, go));
  else if (params.item) into(editor, async () => edit(await ask(`v1/items/${encodeURIComponent(params.item)}`), go), "Opening");
  return into(list, () => page(params, go), "Listing");
}

const blank = () => ({ id: "", kind: "product", title: "", text: "", category: "", tags: [] });
const slug = (words) => words.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60);

async function page(params, go) {
  const searching = params.q || params.only;
  const query = new URLSearchParams({ limit: "50", ...(params.cursor ? { cursor: params.cursor } : {}), ...(searching ? { q: params.q || "", ...(params.only ? { kind: params.only } : {}) } : {}) });
  const found = await ask(`v1/${searching ? "search" : "items"}?${query}`);
  const items = found.items;
  if (!items.length) return empty(searching ? "No item has these words." : "No items yet. Upload a file above, or put them by PUT /v1/items.");
  const columns = [
    { name: "id", show: (i) => el("button", { type: "button", class: "as-link", onclick: () => go({ item: i.id, draft: "" }) }, i.id) }, { name: "kind" }, { name: "title" }, { name: "category" },
    { name: "price", num: true, show: (i) => (i.price ? money(i.price.amount, i.price.currency) : null) },
    { name: "stock", num: true, show: (i) => (i.stock ?? (i.inStock === false ? "none" : null)) },
  ];
  const total = found.total !== undefined ? `${whole(found.total)} found` : `${items.length} from ${items[0].id} on, in the order of ids`;
  return panel("Items", { tools: [csvButton("items", items)] }, el("p", { class: "fine" }, `${total}${found.didYouMean ? `; read as “${found.didYouMean}”` : ""}.`), table("Items", columns, items, { hideCaption: true }),
    el("div", { class: "acts" }, params.cursor ? button("From the beginning", () => go({ cursor: "" })) : null, found.cursor ? button("More", () => go({ cursor: found.cursor })) : null));
}

function upload(go) {
  const input = el("input", { type: "file", id: "feed-file", accept: ".json,.jsonl,.ndjson,.csv,.txt" });
  const said = el("div", { role: "status" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    try {
      const items = readItems(file.name, await file.text());
      const kinds = Object.entries(items.reduce((n, i) => ({ ...n, [i.kind]: (n[i.kind] || 0) + 1 }), {})).map(([k, n]) => `${n} × ${k}`).join(", ");
      if (!(await confirmed(`${file.name} has ${items.length} items (${kinds}). Those with the same id are replaced.`, { action: "Put them" }))) return;
      let accepted = 0;
      const rejected = [];
      for (let from = 0; from < items.length; from += 2000) {
        const got = await send("v1/items", items.slice(from, from + 2000).map((i) => JSON.stringify(i)).join("\n"), "PUT", "application/x-ndjson");
        accepted += got.accepted;
        rejected.push(...got.rejected.map((r) => ({ ...r, index: r.index + from + 1 })));
        said.textContent = `${whole(accepted)} of ${whole(items.length)} put …`;
      }
      said.replaceChildren(el("p", {}, `${whole(accepted)} put, ${whole(rejected.length)} refused.`), rejected.length ? table("Refused", [{ name: "index", title: "row", num: true }, { name: "id" }, { name: "code" }, { name: "detail" }], rejected) : "");
      if (!rejected.length) go({ cursor: "" });
    } catch (error) {
      said.replaceChildren(el("p", { class: "wrong" }, error.message));
    } finally {
      input.value = "";
    }
  });
  return panel("Upload", {}, el("p", { class: "fine" }, "JSON lines, a JSON array, or CSV with a heading line (id, kind, title, text, category, brand, tags, price, currency, url, image, stock, lat, lon, hours; anything else becomes an attribute)."), el("label", { class: "file", for: "feed-file" }, "Choose a file ", input), said);
}

function edit(item, go) {
  const area = el("textarea", { rows: 14, spellcheck: "false", "aria-label": "The item as JSON" });
  area.value = JSON.stringify(item, null, 2);
  const said = el("p", { class: "wrong", role: "alert" });
  const put = async () => {
    said.textContent = "";
    try {
      const value = JSON.parse(area.value);
      if (!value.id) throw new Error("The item needs an id.");
      await ask(`v1/items/${encodeURIComponent(value.id)}`, value, "PUT");
      toast(`${value.title || value.id} is put, and found at once.`);
      go({ item: "", draft: "" });
    } catch (error) {
      said.textContent = error.message;
    }
  };
  const remove = async () => {
    if (!(await confirmed(`Delete ${item.id}? It is served no more from now on.`, { action: "Delete it" }))) return;
    await ask(`v1/items/${encodeURIComponent(item.id)}`, undefined, "DELETE");
    toast(`${item.id} is gone.`);
    go({ item: "", draft: "" });
  };
  const looks = el("div", { class: "looks" });
  const draw = () => {
    try {
      const v = JSON.parse(area.value);
      looks.replaceChildren(el("p", { class: "fine" }, [v.kind, v.category, v.brand].filter(Boolean).join(" · ") || "no kind"), el("h3", {}, v.title || "no title"), el("p", {}, v.text || ""), el("p", { class: "fine" }, [v.priority ? `priority ${v.priority}` : "", (v.tags || []).join(", ")].filter(Boolean).join(" · ")));
      area.removeAttribute("aria-invalid");
    } catch (error) {
      area.setAttribute("aria-invalid", "true");
      looks.replaceChildren(el("p", { class: "wrong" }, `Not JSON yet: ${error.message}`));
    }
  };
  area.addEventListener("input", draw);
  draw();
  return panel(item.id ? `Item ${item.id}` : "New item", {}, el("div", { class: "grid two" }, area, looks), said, el("div", { class: "acts" }, button("Put it", put, ""), item.id ? button("Delete it", remove, "danger") : null, button("Close", () => go({ item: "", draft: "" }))));
}
