/** Starts the page: loads the part of the core that reads documents, then defines `<pool-page>`. */

import { loadReader } from "./document/core-reader";
import { isServedByEdit } from "./document/edit-token";
import { PoolPage } from "./shell/page";

await loadReader();
document.querySelector("pool-page")?.replaceChildren();
customElements.define("pool-page", PoolPage);

// Without a service worker the page still works, but not offline. The page of `credential-pool edit` ends with its server.
if (import.meta.env.PROD && !isServedByEdit) await navigator.serviceWorker?.register("sw.js").catch(() => {});
