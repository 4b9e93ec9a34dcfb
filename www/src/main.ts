/** Starts the page, once what reads documents is there. */

import { loadReader } from "./core";
import { PoolPage } from "./page";

await loadReader();
document.querySelector("pool-page")?.replaceChildren();
customElements.define("pool-page", PoolPage);

// Without it the page works as well, but not offline.
if (import.meta.env.PROD) await navigator.serviceWorker?.register("sw.js").catch(() => {});
