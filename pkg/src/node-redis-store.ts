/** Entry for Node and Bun: the store in Redis. */

import "./node.js";

export { RedisStore, type RedisStoreOptions } from "./stores/redis-store.js";
