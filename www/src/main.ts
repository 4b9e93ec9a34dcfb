/** Starts the page, once its core is there. */

import { loadCore } from "./core";
import { PoolPage } from "./page";

await loadCore();
document.querySelector("pool-page")?.replaceChildren();
customElements.define("pool-page", PoolPage);

// Without it the page works as well, but not offline.
if (import.meta.env.PROD) await navigator.serviceWorker?.register("sw.js").catch(() => {});
