/** The host's side of the pool: carries out intents, and decides nothing. */

import { isDeepStrictEqual } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";

import { CredentialPool, emptyDocument, readDocument } from "../../pkg/dist/node.js";

import { refreshLogin } from "./oauth.mjs";

/**
 * @template T
 * @typedef {import("../../pkg/dist/node.js").Step<T>} Step
 */

/**
 * @typedef {import("../../pkg/dist/node.js").Selection} Selection
 * @typedef {import("../../pkg/dist/node.js").Settled} Settled
 * @typedef {import("../../pkg/dist/node.js").PersistIntent} PersistIntent
 * @typedef {import("../../pkg/dist/node.js").RefreshIntent} RefreshIntent
 * @typedef {import("../../pkg/dist/node.js").Wake} Wake
 *
 * @typedef {object} Answer What the provider said to one request.
 * @property {string} credential Whose key it was sent with.
 * @property {string} key
 * @property {number} turn Requests are numbered in the order in which they are sent.
 * @property {number} status
 * @property {number} retryAfterMs
 */

/** A host waits so long for a credential that rests; beyond that the request fails. */
const PATIENCE_MS = 2_000;

/** How often the last changes are written again if that fails. */
const LAST_WRITES = 3;

export class Host {
  /** @type {Map<string, { uses: number, failures: Record<string, number> }>} */
  tallies = new Map();

  #turn = 0;
  /** The last request of each credential that was served. @type {Map<string, number>} */
  #served = new Map();
  /** @type {Map<number, Promise<Settled>>} */
  #refreshes = new Map();
  #writes = Promise.resolve();
  /** @type {Wake | null} */
  #wake = null;
  /** @type {NodeJS.Timeout | undefined} */
  #alarm;
  #isOpen = true;

  /**
   * @param {object} options
   * @param {CredentialPool} options.pool
   * @param {import("./store.mjs").FileStore} options.store
   * @param {string} options.provider Where the provider listens.
   * @param {(event: string) => void} options.tell
   * @param {AbortSignal} options.signal Ends requests, and no refresh: its tokens would be lost.
   */
  constructor({ pool, store, provider, tell, signal }) {
    this.pool = pool;
    this.store = store;
    this.provider = provider;
    this.tell = tell;
    this.signal = signal;
  }

  /**
   * Starts what a step asks for, and answers its value.
   *
   * @template T
   * @param {Step<T>} step
   */
  take({ value, intents, wake }) {
    for (const intent of intents) {
      if (intent.type === "persist") this.#writes = this.#writes.then(() => this.#persist(intent));
      else this.#refreshes.set(intent.id, this.#refresh(intent));
    }
    this.#schedule(wake);
    return value;
  }

  /**
   * The credential for the next request; null if there is none, or not soon enough.
   *
   * @param {Selection} [selection]
   * @returns {Promise<string | null>}
   */
  async choose(selection = this.take(this.pool.select())) {
    switch (selection.type) {
      case "selected":
        return selection.credential;
      case "refreshing":
        await this.#refreshes.get(selection.intent);
        return this.choose();
      case "exhausted": {
        const waitMs = selection.retryAt === null ? Infinity : selection.retryAt - Date.now();
        if (waitMs > PATIENCE_MS) return null;
        await this.pause(waitMs);
        return this.choose();
      }
      case "empty":
        return null;
    }
  }

  /**
   * Sends one request with a credential.
   *
   * @param {string} credential
   * @returns {Promise<Answer>}
   */
  async send(credential) {
    const { key } = this.pool.runtime(credential);
    const turn = (this.#turn += 1);
    const tally = this.#tally(credential);
    this.take(this.pool.markUsed(credential));
    tally.uses += 1;
    const response = await fetch(`${this.provider}/v1/chat/completions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: "demo-1", messages: [{ role: "user", content: "Hello?" }] }),
      signal: this.signal,
    });
    await response.arrayBuffer();
    if (response.ok) this.#served.set(credential, Math.max(turn, this.#served.get(credential) ?? 0));
    else tally.failures[response.status] = (tally.failures[response.status] ?? 0) + 1;
    return { credential, key, turn, status: response.status, retryAfterMs: retryAfterMs(response.headers) };
  }

  /**
   * Benches the credential of a failed request and selects the next one. Leaves it alone if that
   * failure is not the last word on it: when a later request was served, when it has another key by
   * now, or when another worker has benched it.
   *
   * @param {Answer} answer
   * @returns {Selection}
   */
  bench({ credential, key, turn, status }) {
    const entry = this.pool.entries().find(({ id }) => id === credential);
    const isOutdated = (this.#served.get(credential) ?? 0) > turn || this.hasOtherKey({ credential, key });
    if (entry?.state.type !== "available" || isOutdated) return this.take(this.pool.select());
    this.tell(`${entry.label} rests, because the provider answered ${status}`);
    return this.take(this.pool.rotate(credential, { status }));
  }

  /**
   * Whether a credential was refreshed since a request was sent with it.
   *
   * @param {Pick<Answer, "credential" | "key">} answer
   */
  hasOtherKey({ credential, key }) {
    return this.pool.runtime(credential).key !== key;
  }

  /**
   * Refreshes a login, or waits for the refresh that is under way; answers whether it has new tokens.
   *
   * @param {string} credential
   */
  async renew(credential) {
    const isLogin = this.pool.entries().some(({ id, authType }) => id === credential && authType === "oauth");
    if (!isLogin) return false;
    const { intent } = this.take(this.pool.refresh(credential));
    const settled = await this.#refreshes.get(intent);
    return settled?.type === "refreshed";
  }

  /** @param {number} millis */
  async pause(millis) {
    await sleep(Math.max(millis, 0), undefined, { signal: this.signal });
  }

  /** Finishes what was started, and answers whether the file says what the pool says. */
  async close() {
    this.#isOpen = false;
    await Promise.all(this.#refreshes.values());
    for (let write = 0; write < LAST_WRITES; write += 1) {
      this.take(this.pool.flush());
      await this.#writes;
      if (this.pool.outstanding().length === 0 && (await this.isSaved())) break;
    }
    clearTimeout(this.#alarm);
    return this.isSaved();
  }

  /** Whether a pool that is opened from the file now has the rows of this one. */
  async isSaved() {
    const text = await this.store.read().catch(() => emptyDocument());
    const { stored } = readDocument(text, this.pool.key());
    const { pool } = CredentialPool.open({ key: this.pool.key(), stored });
    const isSaved =
      isDeepStrictEqual(pool.rows(), this.pool.rows()) && isDeepStrictEqual(pool.setAside(), this.pool.setAside());
    pool.free();
    return isSaved;
  }

  /** @param {PersistIntent} intent */
  async #persist({ id, changes }) {
    try {
      await this.store.apply(this.pool.key(), changes);
      this.take(this.pool.settle(id, { type: "saved" }));
    } catch (error) {
      this.tell(`the file cannot be written: ${error instanceof Error ? error.message : error}`);
      this.take(this.pool.settle(id, { type: "failed" }));
    }
  }

  /**
   * @param {RefreshIntent} intent
   * @returns {Promise<Settled>}
   */
  async #refresh({ id, credential, request }) {
    const label = this.pool.entries().find((entry) => entry.id === credential)?.label;
    const outcome = await refreshLogin(request, { origin: this.provider, poolKey: this.pool.key() });
    const settled = this.take(this.pool.settle(id, outcome));
    this.#refreshes.delete(id);
    this.tell(settled.type === "refreshed" ? `${label} has new tokens` : `${label} was not refreshed: ${settled.type}`);
    return settled;
  }

  /** @param {Wake | null} wake */
  #schedule(wake) {
    if (wake?.at === this.#wake?.at && wake?.reason === this.#wake?.reason) return;
    this.#wake = wake;
    clearTimeout(this.#alarm);
    if (wake === null || !this.#isOpen) return;
    const LONGEST_MS = 2 ** 31 - 1;
    this.#alarm = setTimeout(() => {
      this.#wake = null;
      this.take(this.pool.tick());
    }, Math.min(Math.max(wake.at - Date.now(), 0), LONGEST_MS)).unref();
  }

  /** @param {string} credential */
  #tally(credential) {
    const tally = this.tallies.get(credential) ?? { uses: 0, failures: {} };
    this.tallies.set(credential, tally);
    return tally;
  }
}

/** @param {Headers} headers */
function retryAfterMs(headers) {
  const [millis, seconds] = ["retry-after-ms", "retry-after"].map((name) => Number(headers.get(name) ?? NaN));
  return Number.isFinite(millis) ? Number(millis) : Number.isFinite(seconds) ? Number(seconds) * 1000 : 0;
}
