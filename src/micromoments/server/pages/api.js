// The doors: requests, the live stream, and signing in where the server has a secret key.
// The session is a cookie that no script can read; the key itself is kept nowhere.

export const isDemo = Boolean(document.body?.dataset.demo);

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the server answered ${status}`);
    this.status = status;
  }
}

export const signIn = (key, name) => ask("v1/session", { key, name });
export const signOut = () => ask("v1/session", undefined, "DELETE");

/** A JSON request to a door; raises Refused with the server's own words. */
export function ask(path, body, method = body === undefined ? "GET" : "POST") {
  return send(path, body === undefined ? undefined : JSON.stringify(body), method);
}

let away = false;

/** That there was no reply, in words that tell what to do. */
export const unreached = () => new Error("The server can't be reached. Look whether it runs and whether you are online; what you look at stays in the address.");

/** A reply, or in words that there is none. The page hears when that changes. */
async function reached(path, options) {
  try {
    const reply = await fetch(path, { ...options, cache: "no-store" });
    if (away) dispatchEvent(new Event("back"));
    away = false;
    return reply;
  } catch {
    if (!away) dispatchEvent(new Event("away"));
    away = true;
    throw unreached();
  }
}

/** The same with a body that is text already. */
export async function send(path, body, method, type = "application/json") {
  const reply = await reached(path, { method, headers: body === undefined ? {} : { "Content-Type": type }, body });
  const text = await reply.text();
  let value = {};
  try {
    value = text ? JSON.parse(text) : {};
  } catch {
    value = { detail: text.slice(0, 200) };
  }
  if (reply.status === 401 && path !== "v1/session") dispatchEvent(new Event("signed-out"));
  if (!reply.ok) throw new Refused(reply.status, value);
  return value;
}

/** What a door says in plain text. */
export async function words(path) {
  const reply = await reached(path, {});
  const text = await reply.text();
  if (!reply.ok) throw new Refused(reply.status, {});
  return text;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Listens to a stream of server-sent events for as long as the page lives, resuming where it broke off.
 * fetch and not EventSource, because only fetch can send a key.
 */
export async function listen(path, { onEvent, onState }) {
  let last = null;
  let wait = 500;
  for (;;) {
    try {
      const more = { Accept: "text/event-stream" };
      if (last !== null) more["Last-Event-ID"] = last;
      const reply = await fetch(path, { headers: more, cache: "no-store" });
      if (reply.status === 401 || reply.status === 403) {
        if (reply.status === 401) dispatchEvent(new Event("signed-out"));
        onState("refused");
        return;
      }
      if (!reply.ok || !reply.body) throw new Error(`the stream answered ${reply.status}`);
      onState("open");
      wait = 500;
      for await (const message of messages(reply.body)) {
        if (message.id !== undefined) last = message.id;
        if (message.data !== undefined) onEvent(message.event || "message", JSON.parse(message.data));
      }
    } catch (error) {
      console.info(`Stream ${path}: ${error.message}; trying again.`);
    }
    onState("lost");
    await pause(wait);
    wait = Math.min(wait * 1.6, 5000);
  }
}

/** The messages of a body in the event-stream format (HTML standard, section 9.2). */
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value.replaceAll("\r\n", "\n");
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const message = {};
      for (const line of text.slice(0, end).split("\n")) {
        const colon = line.indexOf(":");
        if (colon <= 0) continue;
        const field = line.slice(0, colon);
        const said = line.slice(colon + 1).replace(/^ /, "");
        message[field] = field === "data" && message.data !== undefined ? `${message.data}\n${said}` : said;
      }
      text = text.slice(end + 2);
      yield message;
    }
  }
}
