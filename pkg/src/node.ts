/** The entry for Node and Bun: reads the wasm from beside this file. */

import { readFileSync } from "node:fs";

import { initSync } from "./credential_pool.js";

initSync({ module: readFileSync(new URL("./credential_pool_bg.wasm", import.meta.url)) });

export * from "./credential_pool.js";
export { PoolError } from "./host.js";
export { MemoryStore } from "./memory-store.js";
export {
  OpenPool, openPool, type OpenPoolOptions, type RunOptions, type ServingCredential, UnservedError,
  type UnservedErrorCode,
} from "./open-pool.js";
export { type LockOptions, type Store, StoreError, type StoreErrorCode } from "./store.js";
