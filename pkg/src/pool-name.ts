import { CredentialPool } from "./credential_pool.js";

/**
 * The pool's own name, by which all hosts know it: `OpenRouter` is `openrouter`.
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
