/** A store in Redis: pools that processes on many machines share. */

import { clearInterval, setInterval } from "node:timers";

import { createClient } from "redis";

import { PoolError } from "./host.js";
import { poolName } from "./pool-name.js";
import { alive, type AnyClient, type Client, Connection, pause, RedisTrouble } from "./redis-connection.js";
import { asStoreError, RedisPool } from "./redis-pool.js";
import { FREE, HOLD } from "./redis-script.js";
import { newToken } from "./redis-version.js";
import { type LockOptions, type Store, WAIT_MS } from "./store.js";
import { locked, Turns } from "./turns.js";
import type { Change, Millis, Reading } from "./types.js";

/** Where Redis is, and how it is used. */
export interface RedisStoreOptions {
  /** Where Redis is: `redis://user:password@host:6379/0`, or `rediss://` for TLS. This or `client`. */
  url?: string;
  /**
   * A client whose settings are used: for all that a URL cannot say, such as certificates. The store makes two
   * connections of its own with them, and neither connects nor closes this one.
   */
  client?: AnyClient;
  /** What all keys and channels begin with. @default "credential-pool:" */
  prefix?: string;
  /** How long `read`, `commit` and `lock` wait at most, in milliseconds. @default 15_000 */
  waitMs?: Millis;
  /** After how many milliseconds the lock of a process that died is free; at least 200. @default 10_000 */
  lockMs?: Millis;
}

/**
 * Pools in Redis 7, or a server that is compatible. Any number of stores, in any number of processes, can share them.
 *
 * Each pool is a hash, `<prefix>pool:<key>`, with a `document` that holds this pool alone, and its `version`. Writes
 * compare and set in one round trip; commits that come while one is under way go together in the next. Its changes are
 * told on a channel with the name of the hash; locks are keys `<prefix>lock:<name>`.
 *
 * What `commit` promises is as good as the server's settings: with `appendonly yes` and `appendfsync always` a commit
 * survives a loss of power, with `everysec` the last second may be lost, without them everything since the last
 * snapshot; and a replica that takes over may lack the last writes.
 *
 * A server that has lost something gets it back: the pool as it was when one of the living stores last saw it, and
 * those of the last 1000 changes of each that it does not know. What nobody who lives has seen is lost. So a pool is
 * deleted with `remove`; a key that is deleted while hosts run comes back.
 *
 * While the server is away, the store waits `waitMs` and then says so; it connects again for as long as it is open, and
 * keeps no process alive.
 */
export class RedisStore implements Store {
  readonly #prefix: string;
  readonly #place: string;
  readonly #waitMs: Millis;
  readonly #lockMs: Millis;
  readonly #commands: Connection;
  readonly #subscriber: Connection;
  readonly #pools = new Map<string, RedisPool>();
  readonly #turns = new Turns();
  /** Those whose changes are listened to. */
  readonly #heard = new Set<RedisPool>();

  /** @throws {PoolError} `invalid_argument`: neither a URL nor a client was given, or none that can be used. */
  constructor(options: RedisStoreOptions) {
    const { prefix = "credential-pool:", waitMs = WAIT_MS, lockMs = 10_000 } = options;
    const template = templateOf(options);
    this.#prefix = prefix;
    this.#place = placeOf(template);
    this.#waitMs = waitMs;
    this.#lockMs = Math.max(lockMs, 200);
    this.#commands = new Connection(template, async () => {}, () => {
      for (const pool of this.#pools.values()) pool.doubt();
    });
    this.#subscriber = new Connection(template, (client) => this.#subscribeAll(client), () => {
      // What was told meanwhile, nobody heard.
      for (const pool of this.#heard) pool.look();
    });
  }

  async read(key: string): Promise<Reading> {
    return this.#pool(key).read();
  }

  async commit(key: string, changes: readonly Change[]): Promise<void> {
    const pool = this.#pool(key);
    // Should the server lose what this store writes, others may put back a pool without it.
    this.#subscribe(pool);
    return pool.commit(changes);
  }

  watch(key: string, onChange: (reading: Reading) => void): () => void {
    const pool = this.#pool(key);
    const end = pool.listeners.add(poolName(key), onChange);
    this.#subscribe(pool);
    pool.look();
    return end;
  }

  lock<T>(name: string, action: () => Promise<T>, { waitMs = this.#waitMs }: LockOptions = {}): Promise<T> {
    const deadline = performance.now() + waitMs;
    return this.#turns.take(name, waitMs, async () => {
      const key = `${this.#prefix}lock:${name}`;
      const token = newToken();
      await alive(this.#take(key, token, deadline, waitMs));
      const renewal = setInterval(() => void this.#hold(key, token, this.#soon()).catch(() => {}), this.#lockMs / 3);
      renewal.unref();
      try {
        return await action();
      } finally {
        clearInterval(renewal);
        // If it cannot be given back, it ends by itself.
        const free = this.#commands.ask(this.#soon(), (client) => FREE.run(client, key, token));
        await alive(free.catch(() => {}));
      }
    });
  }

  /** The keys of all pools in this place, sorted. */
  async pools(): Promise<string[]> {
    const start = this.#hash("");
    const deadline = performance.now() + this.#waitMs;
    try {
      return await alive(this.#commands.ask(deadline, async (client) => {
        const keys = new Set<string>();
        const pattern = `${start.replace(/[\\*?[\]]/g, "\\$&")}*`;
        for await (const some of client.scanIterator({ MATCH: pattern, COUNT: 1000 })) {
          for (const key of some) keys.add(key.slice(start.length));
        }
        return [...keys].sort();
      }));
    } catch (error) {
      throw this.#told(error, "unreadable");
    }
  }

  /**
   * The text of the document that holds a pool, for editors.
   *
   * @throws {StoreError} `unreadable`, `invalid_document`.
   */
  async document(key: string): Promise<string> {
    return this.#pool(key).document();
  }

  /** Ends the connections. What is asked for from now on, or still waits, fails. */
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

  async #take(key: string, token: string, deadline: Millis, waitMs: Millis): Promise<void> {
    const isOver = () => performance.now() >= deadline;
    for (let attempts = 0; ; attempts++) {
      try {
        if (await this.#hold(key, token, deadline)) return;
      } catch (error) {
        // The last look came too late to be answered.
        throw attempts > 0 && isOver() ? locked(waitMs) : this.#told(error, "unwritable");
      }
      if (isOver()) throw locked(waitMs);
      const ms = Math.min(10 * (attempts + 1), 100) * (0.5 + Math.random() / 2);
      await pause(Math.min(ms, deadline - performance.now()));
    }
  }

  async #hold(key: string, token: string, deadline: Millis): Promise<boolean> {
    return (await this.#commands.ask(deadline, (client) => HOLD.run(client, key, token, String(this.#lockMs)))) === 1;
  }

  /** Before the lock is over. */
  #soon(): Millis {
    return performance.now() + this.#lockMs / 3;
  }

  #told(error: unknown, code: "unreadable" | "unwritable"): unknown {
    // A lock that may have been taken ends by itself.
    return error instanceof RedisTrouble ? asStoreError(error, code, this.#place) : error;
  }

  #subscribe(pool: RedisPool): void {
    if (this.#heard.has(pool)) return;
    this.#heard.add(pool);
    const { client } = this.#subscriber;
    if (client === undefined) return this.#subscriber.open();
    this.#listen(client, pool).then(() => pool.look()).catch(() => client.destroy());
  }

  async #subscribeAll(client: Client): Promise<void> {
    await Promise.all([...this.#heard].map((pool) => this.#listen(client, pool)));
  }

  #listen(client: Client, pool: RedisPool): Promise<void> {
    return client.subscribe(pool.hash, (version) => pool.told(version));
  }
}

function templateOf({ url, client }: RedisStoreOptions): AnyClient {
  if (client !== undefined) return client;
  try {
    if (typeof url === "string") return createClient({ url }) as unknown as AnyClient;
  } catch {
    // The client's own error repeats the URL, which may hold a password.
  }
  throw new PoolError("invalid_argument", "a store in Redis needs a `url`, redis://host:port or rediss://, or a `client`");
}

/** Where Redis is, without user and password. */
function placeOf({ options }: AnyClient): string {
  const socket = (options.socket ?? {}) as { host?: string; port?: number; path?: string };
  return `Redis at ${socket.path ?? `${socket.host ?? "localhost"}:${socket.port ?? 6379}`}`;
}
