/** The document that the command line works on: a file, or what the pools in a Redis keep. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";

import { asStoreError, codeOf, placeOf, readText } from "../file-text.js";
import { emptyDocument, PoolError, pools, type Reading, type Store, StoreError } from "../node.js";
import { FileStore } from "../node-file-store.js";
import { poolName } from "../pool-name.js";
import { readingOf } from "../stored-text.js";
import { misuse } from "./failure.js";

/** Where the document is. */
export interface Place {
  /** What to call it; without a password. */
  name: string;
  /** The path, if the document is in a file. */
  file?: string;
  /** @throws {StoreError} `unreadable`, `invalid_document`. */
  read(): Promise<Document>;
  /** What writes to it. */
  store(): Promise<Store>;
}

/** A document as it was read once, so that all that is said of it fits together. */
export interface Document {
  name: string;
  /** Whether there is one. One that is missing counts as an empty document. */
  isThere: boolean;
  /** Pools that have a document of their own, by their names. */
  own: ReadonlyMap<string, string>;
  /** The document of all other pools. */
  text: string;
}

/** What was said of where the document is. */
export interface Said {
  document?: string;
  redis?: string;
}

/** Where the document is: as it was said, or as the environment says, or in the usual file. */
export function placeFor({ document, redis }: Said): Place {
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

function inFile(path: string): Place {
  return {
    name: path,
    file: path,
    store: async () => new FileStore(path),
    async read() {
      const text = await textAt(path);
      return { name: path, isThere: text !== undefined, own: new Map(), text: text ?? emptyDocument() };
    },
  };
}

function inRedis(url: string): Place {
  let opened: ReturnType<typeof redisStore> | undefined;
  const store = () => (opened ??= redisStore(url));
  const name = placeInRedis(url);
  return {
    name,
    store,
    async read() {
      const redis = await store();
      const keys = await redis.pools();
      const texts = await Promise.all(keys.map(async (key) => [key, await redis.document(key)] as const));
      return { name, isThere: keys.length > 0, own: new Map(texts), text: emptyDocument() };
    },
  };
}

/** The URL without what may be secret. */
function placeInRedis(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return "Redis";
  }
}

async function redisStore(url: string) {
  try {
    const { RedisStore } = await import("../node-redis-store.js");
    return new RedisStore({ url });
  } catch (error) {
    if (codeOf(error) !== "ERR_MODULE_NOT_FOUND") throw error;
    throw misuse("no_redis_client", "the package `redis` is not installed: npm install redis, beside credential-pool");
  }
}

/**
 * The keys of the document's pools, as they stand in it.
 *
 * @throws {StoreError} `invalid_document`.
 */
export function poolsOf({ own, text, name }: Document): string[] {
  try {
    return [...own.keys(), ...pools(text)];
  } catch (error) {
    if (!(error instanceof PoolError)) throw error;
    const { message, pointer } = error;
    const details = pointer === undefined ? { cause: error } : { cause: error, pointer };
    throw new StoreError("invalid_document", `${name}${pointer ? `, ${pointer}` : ""}: ${message}`, details);
  }
}

/** The text that holds a pool. */
export function textOf({ own, text }: Document, key: string): string {
  return own.size === 0 ? text : (own.get(poolName(key)) ?? text);
}

/** All texts that hold pools. */
export function textsOf({ own, text }: Document): string[] {
  return [text, ...own.values()];
}

/** What the document keeps of a pool. */
export function readPool(document: Document, key: string): Reading {
  return readingOf(textOf(document, key), key, document.name);
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    const { text } = await readText(await placeOf(path, false));
    return text;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw asStoreError("unreadable", path, error);
  }
}
