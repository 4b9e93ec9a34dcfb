// Keeps the page, so that it works offline. Documents are no part of it and are never kept.

const KEPT = "credential-pool-page-__VERSION__";
const FILES = __FILES__;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("credential-pool-page-") && name !== KEPT;
  const clean = async () => Promise.all((await caches.keys()).filter(isOld).map((name) => caches.delete(name)));
  event.waitUntil(clean().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const name = request.url.slice(registration.scope.length).replace(/[?#].*/, "");
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  if (name !== "" && name !== "index.html" && !FILES.includes(name)) return;
  const key = name === "index.html" ? "./" : name || "./";
  // The page itself is asked for first, so that a new one comes as soon as there is one.
  event.respondWith(key === "./" ? fetch(request).catch(() => kept(key)) : kept(key).then((found) => found ?? fetch(request)));
});

async function kept(name) {
  return (await caches.open(KEPT)).match(name);
}
