// Service worker: caches the files of the page, so that the page works offline. Documents are never cached.

const CACHE = "credential-pool-page-__VERSION__";
const FILES = __FILES__;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("credential-pool-page-") && name !== CACHE;
  const clean = async () => Promise.all((await caches.keys()).filter(isOld).map((name) => caches.delete(name)));
  event.waitUntil(clean().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const name = request.url.slice(registration.scope.length).replace(/[?#].*/, "");
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  if (name !== "" && name !== "index.html" && !FILES.includes(name)) return;
  const key = name === "index.html" ? "./" : name || "./";
  // The page itself is fetched from the network first, so that a new version is used at once.
  event.respondWith(key === "./" ? fetch(request).catch(() => cached(key)) : cached(key).then((found) => found ?? fetch(request)));
});

async function cached(name) {
  return (await caches.open(CACHE)).match(name);
}
