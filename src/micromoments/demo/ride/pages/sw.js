// The app's shell, kept for when there is no connection; rides and prices always come from the server.
const SHELL = "ride-1";
const FILES = ["./", "app.css", "app.js", "base.js", "screen.js", "phrases.js", "map.js", "home.js", "ride.js", "you.js", "icon.svg", "texts/en.json", "texts/de.json"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((n) => n !== SHELL).map((n) => caches.delete(n)))).then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.pathname.includes("/api/") || url.pathname.endsWith("driver")) return;
  event.respondWith(
    fetch(event.request)
      .then((reply) => {
        if (reply.ok) caches.open(SHELL).then((cache) => cache.put(event.request, reply.clone())).catch(() => {});
        return reply.clone();
      })
      .catch(() => caches.match(event.request, { ignoreSearch: true })),
  );
});
