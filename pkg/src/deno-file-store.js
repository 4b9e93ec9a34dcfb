/** The entry for Deno to the store in a file. */

import "./deno.js";

export { FileStore } from "./file-store.js";
