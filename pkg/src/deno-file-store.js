/** Entry for Deno: documents in files. */

import "./deno.js";

export { DocumentFile } from "./stores/document-file.js";
export { FileStore } from "./stores/file-store.js";
