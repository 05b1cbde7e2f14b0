// The app's shell, kept for when there is no connection; prices, carts and orders always come from the server.
const SHELL = "shop-1";
const FILES = ["./", "app.css", "app.js", "base.js", "screen.js", "phrases.js", "goods.js", "find.js", "product.js", "cart.js", "orders.js", "guide.js", "you.js", "icon.svg", "texts/en.json", "texts/de.json"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((n) => n.startsWith("shop-") && n !== SHELL).map((n) => caches.delete(n)))).then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.pathname.includes("/api/") || url.pathname.endsWith("desk")) return;
  event.respondWith(
    fetch(event.request)
      .then((reply) => {
        if (reply.ok) { const copy = reply.clone(); caches.open(SHELL).then((cache) => cache.put(event.request, copy)).catch(() => {}); }
        return reply;
      })
      .catch(() => caches.match(event.request, { ignoreSearch: true })),
  );
});
