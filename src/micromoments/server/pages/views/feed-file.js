// Items from a file that somebody chose: JSON lines, an array, or CSV.

const PLAIN = new Set(["id", "kind", "title", "text", "category", "brand", "url", "image", "hours", "timezone", "budget", "campaign"]);
const WHOLE = new Set(["stock", "value", "priority", "valid_from", "valid_until"]);

/** The items of a file; raises with the line that can't be read. */
export function readItems(name, text) {
  const bare = text.replace(/^\uFEFF/, "").trim();
  if (!bare) throw new Error("The file is empty.");
  if (bare.startsWith("[")) return JSON.parse(bare);
  if (bare.startsWith("{")) {
    return bare.split(/\r?\n/).filter((line) => line.trim()).map((line, n) => {
      try {
        return JSON.parse(line);
      } catch (error) {
        throw new Error(`Line ${n + 1} is not JSON: ${error.message}`);
      }
    });
  }
  const [head, ...rows] = readCsv(bare);
  const names = head.map((one) => one.trim());
  if (!names.includes("id") || !names.includes("title")) throw new Error(`Got a first line of ${names.slice(0, 6).join(", ")}; wanted headings with id and title among them.`);
  return rows.map((row, n) => {
    if (row.length !== names.length) throw new Error(`Row ${n + 2} has ${row.length} fields; the heading has ${names.length}.`);
    return itemOf(Object.fromEntries(names.map((key, i) => [key, row[i]])));
  });
}

function itemOf(row) {
  const item = { kind: "product", attributes: {} };
  for (const [key, value] of Object.entries(row)) {
    if (value === "" || ["price", "currency", "lat", "lon"].includes(key)) continue;
    if (PLAIN.has(key)) item[key] = value;
    else if (WHOLE.has(key)) item[key] = Number(value);
    else if (key === "tags") item.tags = value.split(/[|;]/).map((tag) => tag.trim()).filter(Boolean);
    else item.attributes[key] = value;
  }
  if (row.price) {
    const [amount, currency] = [Number(row.price.replace(/[^\d.-]/g, "")), row.currency || row.price.replace(/[\d\s.,-]/g, "").toUpperCase()];
    if (!/^[A-Z]{3}$/.test(currency)) throw new Error(`${row.id}: the price ${row.price} needs a currency such as EUR, in the price or a column of its own.`);
    const places = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
    item.price = { amount: Math.round(amount * 10 ** places), currency };
  }
  if (row.lat && row.lon) item.location = { lat: Number(row.lat), lon: Number(row.lon) };
  if (!Object.keys(item.attributes).length) delete item.attributes;
  return item;
}

/** Rows of fields (RFC 4180): quotes, doubled quotes and line ends within them. A semicolon separates where the heading has no comma. */
export function readCsv(text) {
  const comma = text.split("\n", 1)[0].includes(",") ? "," : ";";
  const rows = [[""]];
  let quoted = false;
  for (let n = 0; n < text.length; n++) {
    const c = text[n];
    const row = rows[rows.length - 1];
    if (quoted) {
      if (c === '"' && text[n + 1] === '"') row[row.length - 1] += text[++n];
      else if (c === '"') quoted = false;
      else row[row.length - 1] += c;
    } else if (c === '"') quoted = true;
    else if (c === comma) row.push("");
    else if (c === "\n") rows.push([""]);
    else if (c !== "\r") row[row.length - 1] += c;
  }
  return rows.filter((row) => row.length > 1 || row[0] !== "");
}
