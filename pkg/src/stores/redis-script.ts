/** Lua scripts of the store: each is one atomic round trip. */

import type { Client } from "./redis-connection.js";

/** A script that is sent once and then called by its hash (EVALSHA). */
export class Script {
  readonly #text: string;
  #hash: Promise<string> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  async run(client: Client, key: string, ...values: string[]): Promise<unknown> {
    this.#hash ??= sha1(this.#text);
    const given = { keys: [key], arguments: values };
    try {
      return await client.evalSha(await this.#hash, given);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return client.eval(this.#text, given);
    }
  }
}

/**
 * Compare-and-set of a pool by a writer (`ARGV[4]`). Returns the version alone if it is the expected version
 * (`ARGV[1]`) or already the new version (`ARGV[2]`); otherwise returns version and document, and writes nothing. With
 * an empty new version the script only reads. A document without a version was written by hand; its hash stands in for
 * the version.
 *
 * A writer that lost the race holds the next turn for 100 ms, and other writers receive `wait`. Without turns, the
 * slowest of many writers would never win.
 */
export const SWAP = new Script(`
local stored = redis.call('HMGET', KEYS[1], 'version', 'document', 'turn')
local version = stored[1] or (stored[2] and redis.sha1hex(stored[2])) or ''
local isExpected = version == ARGV[1]
if version == ARGV[2] or (isExpected and ARGV[2] == '') then return {version} end

local TURN_MS = 100
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local writer, ends = string.match(stored[3] or '', '^(%x+) (%d+)$')
local left = ends and tonumber(ends) - now or 0
if writer and writer ~= ARGV[4] and left > 0 and left <= TURN_MS then return {'wait'} end

if not isExpected then
  if stored[2] then redis.call('HSET', KEYS[1], 'turn', ARGV[4] .. ' ' .. string.format('%.0f', now + TURN_MS)) end
  return {version, stored[2]}
end
redis.call('PUBLISH', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'document', ARGV[3])
redis.call('HDEL', KEYS[1], 'turn')
return {ARGV[2]}
`);

/**
 * Acquires or renews a lock for the token `ARGV[1]`, for `ARGV[2]` milliseconds. Returns 0 if another token holds it.
 */
export const HOLD = new Script(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** Releases a lock, if this token still holds it. */
export const FREE = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

async function sha1(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
