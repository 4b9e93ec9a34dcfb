/** The entry for Node and Bun to the store in a file. */

import "./node.js";

export { FileStore, type FileStoreOptions } from "./file-store.js";
