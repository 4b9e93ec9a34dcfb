/** Starts the page. */

import { loadCore } from "./core";
import "./page";

await loadCore();
document.querySelector("pool-page")?.replaceChildren();
