/** The entry for Deno to the store in Redis. */

import "./deno.js";

export { RedisStore } from "./redis-store.js";
