/** A store in Redis, for pools that processes on many machines share. */

import { clearInterval, setInterval } from "node:timers";

import { createClient } from "redis";

import { PoolError } from "../core/errors.js";
import type { Change, Millis, Reading, Refusal } from "../core/types.js";
import { KeyedMutex, lockedError } from "./keyed-mutex.js";
import { poolName } from "./pool-name.js";
import { type AnyClient, type Client, Connection, delay, keepingAlive, RedisFailure } from "./redis-connection.js";
import { asStoreError, RedisPool } from "./redis-pool.js";
import { FREE, HOLD } from "./redis-script.js";
import { newToken } from "./redis-version.js";
import { type LockOptions, type Store, type StoreError, WAIT_MS } from "./store.js";

/** Options of a `RedisStore`. */
export interface RedisStoreOptions {
  /** Address: `redis://user:password@host:6379/0`, or `rediss://` for TLS. Either `url` or `client` is required. */
  url?: string;
  /**
   * A client whose settings are used, for settings that a URL cannot express, such as certificates. The store makes two
   * connections with these settings, and neither connects nor closes this client.
   */
  client?: AnyClient;
  /** Prefix of all keys and channels. @default "credential-pool:" */
  prefix?: string;
  /** Longest wait of `read`, `commit` and `lock`, in milliseconds. @default 15_000 */
  waitMs?: Millis;
  /** Lifetime of a dead process's lock, in milliseconds; at least 200. @default 10_000 */
  lockMs?: Millis;
}

/**
 * Pools in Redis 7 or a compatible server. Any number of stores, in any number of processes, can share them.
 *
 * Each pool is a hash, `<prefix>pool:<key>`, with a `document` of this pool alone, and its `version`. A write is one
 * compare-and-set in one round trip; commits that come during a write share the next write. Each new version is
 * published on a channel with the name of the hash. Locks are keys `<prefix>lock:<name>`.
 *
 * The durability of `commit` depends on the server's settings: with `appendonly yes` and `appendfsync always` a commit
 * survives a loss of power, with `everysec` the last second may be lost, without both everything since the last
 * snapshot. A replica that takes over may lack the last writes.
 *
 * After data loss the open stores restore the pool: its latest state that any open store has seen, and the last 1000
 * changes of each store. State that only closed stores have seen is lost. A deleted key is restored in the same way
 * while hosts run, so remove credentials with `remove` instead.
 *
 * While the server is unreachable, calls wait `waitMs` and then reject. The store reconnects until it is closed, and
 * does not keep the process alive.
 */
export class RedisStore implements Store {
  readonly #prefix: string;
  readonly #place: string;
  readonly #waitMs: Millis;
  readonly #lockMs: Millis;
  readonly #commands: Connection;
  readonly #subscriber: Connection;
  readonly #pools = new Map<string, RedisPool>();
  readonly #locks = new KeyedMutex();
  /** Pools whose versions the subscriber receives. */
  readonly #subscribed = new Set<RedisPool>();

  /** @throws {PoolError} `invalid_argument`: neither a usable URL nor a client was given. */
  constructor(options: RedisStoreOptions) {
    const { prefix = "credential-pool:", waitMs = WAIT_MS, lockMs = 10_000 } = options;
    const template = templateOf(options);
    this.#prefix = prefix;
    this.#place = placeOf(template);
    this.#waitMs = waitMs;
    this.#lockMs = Math.max(lockMs, 200);
    this.#commands = new Connection(template, async () => {}, () => {
      for (const pool of this.#pools.values()) pool.reconnected();
    });
    this.#subscriber = new Connection(template, (client) => this.#subscribeAll(client), () => {
      // Announcements during the disconnection were missed.
      for (const pool of this.#subscribed) pool.refresh();
    });
  }

  async read(key: string): Promise<Reading> {
    return this.#pool(key).read();
  }

  async commit(key: string, changes: readonly Change[]): Promise<readonly Refusal[]> {
    const pool = this.#pool(key);
    // After data loss another store may restore the pool without this store's changes; its announcement must be seen.
    this.#subscribe(pool);
    return pool.commit(changes);
  }

  watch(key: string, onChange: (reading: Reading) => void, onProblem?: (problem: StoreError) => void): () => void {
    const pool = this.#pool(key);
    const end = pool.listeners.add(poolName(key), onChange, onProblem);
    this.#subscribe(pool);
    pool.refresh();
    return end;
  }

  lock<T>(name: string, action: () => Promise<T>, { waitMs = this.#waitMs }: LockOptions = {}): Promise<T> {
    const deadline = performance.now() + waitMs;
    return this.#locks.run(name, waitMs, async () => {
      const key = `${this.#prefix}lock:${name}`;
      const token = newToken();
      await keepingAlive(this.#acquire(key, token, deadline, waitMs));
      const renewal = setInterval(() => void this.#hold(key, token, this.#renewBy()).catch(() => {}), this.#lockMs / 3);
      renewal.unref();
      try {
        return await action();
      } finally {
        clearInterval(renewal);
        // A lock that cannot be released expires.
        const free = this.#commands.run(this.#renewBy(), (client) => FREE.run(client, key, token));
        await keepingAlive(free.catch(() => {}));
      }
    });
  }

  /** Returns the keys of all pools under the prefix, sorted. */
  async pools(): Promise<string[]> {
    const start = this.#hash("");
    const deadline = performance.now() + this.#waitMs;
    try {
      return await keepingAlive(this.#commands.run(deadline, async (client) => {
        const keys = new Set<string>();
        const pattern = `${start.replace(/[\\*?[\]]/g, "\\$&")}*`;
        for await (const some of client.scanIterator({ MATCH: pattern, COUNT: 1000 })) {
          for (const key of some) keys.add(key.slice(start.length));
        }
        return [...keys].sort();
      }));
    } catch (error) {
      throw this.#asStoreError(error, "unreadable");
    }
  }

  /**
   * Returns the text of a pool's document, for editors.
   *
   * @throws {StoreError} `unreadable`, `invalid_document`.
   */
  async document(key: string): Promise<string> {
    return this.#pool(key).document();
  }

  /** Ends the connections. Pending and later calls reject. */
  async close(): Promise<void> {
    this.#commands.close();
    this.#subscriber.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pool(key: string): RedisPool {
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const name = poolName(key);
    const hash = this.#hash(name);
    const pool = this.#pools.get(name) ??
      new RedisPool(this.#commands, name, hash, `${this.#place}, ${hash}`, this.#waitMs);
    this.#pools.set(name, pool);
    return pool;
  }

  #hash(key: string): string {
    return `${this.#prefix}pool:${key}`;
  }

  async #acquire(key: string, token: string, deadline: Millis, waitMs: Millis): Promise<void> {
    const isOver = () => performance.now() >= deadline;
    for (let attempts = 0; ; attempts++) {
      try {
        if (await this.#hold(key, token, deadline)) return;
      } catch (error) {
        // The deadline cut the last attempt short.
        throw attempts > 0 && isOver() ? lockedError(waitMs) : this.#asStoreError(error, "unwritable");
      }
      if (isOver()) throw lockedError(waitMs);
      const ms = Math.min(10 * (attempts + 1), 100) * (0.5 + Math.random() / 2);
      await delay(Math.min(ms, deadline - performance.now()));
    }
  }

  async #hold(key: string, token: string, deadline: Millis): Promise<boolean> {
    return (await this.#commands.run(deadline, (client) => HOLD.run(client, key, token, String(this.#lockMs)))) === 1;
  }

  /** Returns a deadline for a command about a lock, well before the lock expires. */
  #renewBy(): Millis {
    return performance.now() + this.#lockMs / 3;
  }

  #asStoreError(error: unknown, code: "unreadable" | "unwritable"): unknown {
    // A lock that may have been acquired expires.
    return error instanceof RedisFailure ? asStoreError(error, code, this.#place) : error;
  }

  #subscribe(pool: RedisPool): void {
    if (this.#subscribed.has(pool)) return;
    this.#subscribed.add(pool);
    const { client } = this.#subscriber;
    if (client === undefined) return this.#subscriber.open();
    this.#listen(client, pool).then(() => pool.refresh()).catch(() => client.destroy());
  }

  async #subscribeAll(client: Client): Promise<void> {
    await Promise.all([...this.#subscribed].map((pool) => this.#listen(client, pool)));
  }

  #listen(client: Client, pool: RedisPool): Promise<void> {
    return client.subscribe(pool.hash, (version) => pool.announced(version));
  }
}

function templateOf({ url, client }: RedisStoreOptions): AnyClient {
  if (client !== undefined) return client;
  try {
    if (typeof url === "string") return createClient({ url }) as unknown as AnyClient;
  } catch {
    // The client's own error repeats the URL, which may hold a password.
  }
  const advice = "give a `url`, redis://host:port or rediss://, or a `client`";
  throw new PoolError("invalid_argument", `a store in Redis needs an address: ${advice}`);
}

/** Returns the server's address without user and password. */
function placeOf({ options }: AnyClient): string {
  const socket = (options.socket ?? {}) as { host?: string; port?: number; path?: string };
  return `Redis at ${socket.path ?? `${socket.host ?? "localhost"}:${socket.port ?? 6379}`}`;
}
