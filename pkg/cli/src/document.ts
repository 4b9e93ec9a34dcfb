/** The document of the command line: a file, or the pools in a Redis. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

import {
  emptyDocument, PoolError, poolName, pools, readDocument, type Reading, type Store, StoreError,
} from "credential-pool";
import { FileStore } from "credential-pool/file-store";

import { codeOf, misuse } from "./failure.js";

/** Location of the document. */
export interface Location {
  /** Name for people, without a password. */
  name: string;
  /** Path, if the document is a file. */
  file?: string;
  /** @throws {StoreError} `unreadable`, `invalid_document`. */
  read(): Promise<Document>;
  /** Returns the store that writes to the location. */
  store(): Promise<Store>;
}

/** A document at one moment, so that all output of a command is consistent. */
export interface Document {
  name: string;
  /** Whether the document exists. A missing document counts as an empty document. */
  exists: boolean;
  /** Documents of single pools, by pool key; only in Redis. */
  own: ReadonlyMap<string, string>;
  /** Document of all other pools. */
  text: string;
}

/** Options that name the location. */
export interface LocationOptions {
  document?: string;
  redis?: string;
}

/** Returns the location that the options name, else the environment, else the default file. */
export function locationFor({ document, redis }: LocationOptions): Location {
  if (document !== undefined && redis !== undefined) {
    throw misuse("invalid_argument", "a document is in a file or in Redis: give --document or --redis");
  }
  const url = redis ?? (document === undefined ? process.env.CREDENTIAL_POOL_REDIS : undefined);
  return url ? inRedis(url) : inFile(filePath(document));
}

function filePath(given?: string): string {
  if (given !== undefined) return resolve(given);
  return resolve(process.env.HERMES_HOME || join(homedir(), ".hermes"), "auth.json");
}

function inFile(path: string): Location {
  const store = new FileStore(path);
  return {
    name: path,
    file: path,
    store: async () => store,
    async read() {
      const text = await store.document();
      return { name: path, exists: text !== undefined, own: new Map(), text: text ?? emptyDocument() };
    },
  };
}

function inRedis(url: string): Location {
  let opened: ReturnType<typeof redisStore> | undefined;
  const store = () => (opened ??= redisStore(url));
  const name = withoutUser(url);
  return {
    name,
    store,
    async read() {
      const redis = await store();
      const keys = await redis.pools();
      const texts = await Promise.all(keys.map(async (key) => [key, await redis.document(key)] as const));
      return { name, exists: keys.length > 0, own: new Map(texts), text: emptyDocument() };
    },
  };
}

/** Returns a URL without user and password. */
function withoutUser(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return "Redis";
  }
}

async function redisStore(url: string) {
  try {
    const { RedisStore } = await import("credential-pool/redis-store");
    return new RedisStore({ url });
  } catch (error) {
    if (codeOf(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    const advice = "install it beside credential-pool-cli, with `npm install redis`";
    throw misuse("no_redis_client", `the package \`redis\` is not installed: ${advice}`);
  }
}

/**
 * Returns the keys of the document's pools, in their order.
 *
 * @throws {StoreError} `invalid_document`.
 */
export function poolsOf({ own, text, name }: Document): string[] {
  return [...own.keys(), ...withStoreErrors(name, () => pools(text))];
}

/** Returns the text that contains a pool. */
function textOf({ own, text }: Document, key: string): string {
  return own.size === 0 ? text : (own.get(poolName(key)) ?? text);
}

/** Returns all texts that contain pools. */
export function textsOf({ own, text }: Document): string[] {
  return [text, ...own.values()];
}

/**
 * Returns the stored state of a pool.
 *
 * @throws {StoreError} `invalid_document`.
 * @throws {PoolError} `invalid_pool_key`, `invalid_argument`.
 */
export function readPool(document: Document, key: string): Reading {
  return withStoreErrors(document.name, () => readDocument(textOf(document, key), key));
}

function withStoreErrors<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof PoolError) || (error.code !== "invalid_document" && error.code !== "too_large")) throw error;
    const { code, message, pointer } = error;
    const details = pointer === undefined ? { cause: error } : { cause: error, pointer };
    throw new StoreError(code, `${name}${pointer ? `, ${pointer}` : ""}: ${message}`, details);
  }
}
