import { FileStore } from "credential-pool/file-store";
import { RedisStore } from "credential-pool/redis-store";

/** The store at a place: the path of a file, or the URL of a Redis. */
export function storeAt(place, options) {
  return place.startsWith("redis://") ? new RedisStore({ url: place, ...options }) : new FileStore(place, options);
}
