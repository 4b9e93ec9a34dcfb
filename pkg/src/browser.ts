/** The entry for browsers and bundlers: fetches the wasm from beside this file. */

import init from "./credential_pool.js";

await init({ module_or_path: new URL("./credential_pool_bg.wasm", import.meta.url) });

export * from "./credential_pool.js";
export { PoolError } from "./host.js";
export { MemoryStore } from "./memory-store.js";
export {
  OpenPool, openPool, type OpenPoolOptions, type RunOptions, type ServingCredential, UnservedError,
  type UnservedErrorCode,
} from "./open-pool.js";
export { type LockOptions, type Store, StoreError, type StoreErrorCode } from "./store.js";
