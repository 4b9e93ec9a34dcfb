/** The entry for Node and Bun to the store in Redis. */

import "./node.js";

export { RedisStore, type RedisStoreOptions } from "./redis-store.js";
