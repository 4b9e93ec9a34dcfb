/** Arguments of `open`: the host's clock and randomness, and the places that discovery reads. */

import type { Stored } from "./stored.js";
import type { Millis } from "./time.js";

/** Clock and randomness of a pool, in place of `Date.now` and `crypto.getRandomValues`. */
export interface Host {
  /** Returns the time; called whenever a method is called without `now`. */
  now?: () => Millis;
  /** Returns that many random bytes; called once, for the seed. The same seed and inputs give the same answers. */
  random?: (length: number) => Uint8Array;
}

/** Arguments of `CredentialPool.open`. */
export interface OpenOptions {
  /** Key of the pool: a provider such as `openrouter`, or `custom:<name>`. */
  key: string;
  /** The pool's stored state; `readDocument` reads it from a document. */
  stored?: Stored;
  /** Places that discovery reads; `wanted` lists the parts that a pool needs. */
  sources?: Sources;
  /** Time of opening. */
  now?: Millis;
  /** Clock and randomness of the pool. */
  host?: Host;
}

/**
 * Places that discovery reads. Rows that came from a place that is left out stay as they are. Rows that came from a
 * place that is given, and no longer holds their credential, leave the pool, and are remembered without their secrets
 * until they are found again. A login whose tokens live in its row stays.
 */
export interface Sources {
  /** Environment variables by name, such as `process.env`. */
  env?: Record<string, string | undefined> | null;
  /** The host's configuration: `credential_pool_strategies`, `custom_providers`, `model`. */
  config?: Record<string, unknown> | null;
  /** Logins that other programs keep in files, by source (`hermes_pkce`, `claude_code`). */
  fileLogins?: Record<string, FileLogin | null> | null;
  /** The document's `providers`: logins by provider id. */
  documentLogins?: Record<string, unknown> | null;
}

/** A login that another program keeps in a file. */
export interface FileLogin {
  accessToken?: string;
  refreshToken?: string;
  /** Expiry of the access token; 0 if unknown. */
  expiresAt?: Millis;
  [other: string]: unknown;
}

/** The parts of each place that discovery reads for a pool. */
export interface Wanted {
  /** Names of environment variables. */
  env: string[];
  /** Keys of the host's configuration. */
  config: string[];
  /** Logins in files, by source. */
  fileLogins: string[];
  /** Logins in the document's `providers`, by provider id. */
  documentLogins: string[];
}
