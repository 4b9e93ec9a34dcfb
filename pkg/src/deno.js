/** Entry for Deno. The wasm is part of the module graph, so that reading it needs no permission. */

import source wasm from "./credential_pool_bg.wasm";

import { initSync } from "./credential_pool.js";

initSync({ module: wasm });

export * from "./credential_pool.js";
export { PoolError } from "./core/errors.js";
export { poolName } from "./stores/pool-name.js";
export { MemoryStore } from "./stores/memory-store.js";
export { OpenPool, openPool, UnservedError } from "./host/open-pool.js";
export { StoreError } from "./stores/store.js";
