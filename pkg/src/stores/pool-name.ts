/** Canonical pool keys. */

import { CredentialPool } from "../credential_pool.js";

/**
 * Returns the canonical key of a pool, under which every host stores it: `openrouter` for `OpenRouter`.
 *
 * @throws {PoolError} `invalid_pool_key`, `invalid_argument`.
 */
export function poolName(key: string): string {
  const { pool } = CredentialPool.open({ key, now: 0, host: { random: (length) => new Uint8Array(length) } });
  try {
    return pool.key();
  } finally {
    pool.free();
  }
}
