/** Entry for Node and Bun: documents in files. */

import "./node.js";

export { DocumentFile, type DocumentText, type ReplaceResult } from "./stores/document-file.js";
export { FileStore, type FileStoreOptions } from "./stores/file-store.js";
