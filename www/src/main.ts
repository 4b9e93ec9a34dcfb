/** Starts the page, once its core is there. */

import { loadCore } from "./core";
import { PoolPage } from "./page";

await loadCore();
document.querySelector("pool-page")?.replaceChildren();
customElements.define("pool-page", PoolPage);
