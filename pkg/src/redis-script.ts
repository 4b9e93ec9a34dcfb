/** What runs within Redis: each script is one round trip, and nobody comes in between. */

import type { Client } from "./redis-connection.js";

/** A script that Redis knows by its hash after the first time. */
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
 * Compare-and-set of a pool by a writer (`ARGV[4]`). Answers the version alone if it was as expected (`ARGV[1]`), or is
 * already what it should become; else with the document, and writes nothing then. Without a new version (`ARGV[2]`) it
 * only looks. What a person wrote by hand, without a version, has one by what it says.
 *
 * Who came too late has the next turn, for a moment: others are told to `wait`. Many writers would else spend their
 * time on changing what is no longer there, and the slowest would never come first.
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

/** Takes a lock, or keeps it: for the token `ARGV[1]`, for `ARGV[2]` milliseconds. Answers 0 if it is another's. */
export const HOLD = new Script(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** Gives a lock back, if it is still this token's. */
export const FREE = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

async function sha1(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
