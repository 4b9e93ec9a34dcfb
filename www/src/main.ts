/** Starts the page: loads the part of the core that reads documents, then defines `<pool-page>`. */

import { loadReader } from "./document/core-reader";
import { PoolPage } from "./shell/page";

await loadReader();
document.querySelector("pool-page")?.replaceChildren();
customElements.define("pool-page", PoolPage);

// Without a service worker the page still works, but not offline.
if (import.meta.env.PROD) await navigator.serviceWorker?.register("sw.js").catch(() => {});
