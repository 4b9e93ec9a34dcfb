/** The entry for Deno: the wasm is part of the module graph, so reading it needs no permission. */

import source wasm from "./credential_pool_bg.wasm";

import { initSync } from "./credential_pool.js";

initSync({ module: wasm });

export * from "./credential_pool.js";
export { PoolError } from "./host.js";
export { MemoryStore } from "./memory-store.js";
export { OpenPool, openPool, UnservedError } from "./open-pool.js";
export { StoreError } from "./store.js";
