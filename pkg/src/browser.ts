/** Entry for browsers and bundlers. Fetches the wasm beside this file. */

import init from "./credential_pool.js";

await init({ module_or_path: new URL("./credential_pool_bg.wasm", import.meta.url) });

export * from "./credential_pool.js";
export { PoolError } from "./core/errors.js";
export { poolName } from "./stores/pool-name.js";
export { MemoryStore } from "./stores/memory-store.js";
export {
  OpenPool, openPool, type OpenPoolOptions, type RunOptions, type ServingCredential, UnservedError,
  type UnservedErrorCode,
} from "./host/open-pool.js";
export { type LockOptions, type Store, StoreError, type StoreErrorCode } from "./stores/store.js";
