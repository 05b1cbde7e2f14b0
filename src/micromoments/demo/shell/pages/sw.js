// The app's shell, kept for when there is no connection; prices, places and orders always come from the server.
const SHELL = "{{name}}-{{digest}}";
const FILES = {{files}};

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  // One origin holds several apps: each throws away only what was its own.
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((n) => n.startsWith("{{name}}-") && n !== SHELL).map((n) => caches.delete(n)))).then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.pathname.includes("/api/") || url.pathname.endsWith("/{{other}}")) return;
  event.respondWith(
    fetch(event.request)
      .then((reply) => {
        if (reply.ok) { const copy = reply.clone(); caches.open(SHELL).then((cache) => cache.put(event.request, copy)).catch(() => {}); }
        return reply;
      })
      .catch(() => caches.match(event.request, { ignoreSearch: true })),
  );
});
