/** Entry for Deno: the store in Redis. */

import "./deno.js";

export { RedisStore } from "./stores/redis-store.js";
