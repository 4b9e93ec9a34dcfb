/** The host's side of the pool: carries out intents, and decides nothing. */

import { isDeepStrictEqual } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";

import { CredentialPool } from "../../pkg/dist/node.js";

import { sendRefresh } from "./oauth.mjs";

/**
 * @template T
 * @typedef {import("../../pkg/dist/node.js").Step<T>} Step
 */

/**
 * @typedef {import("../../pkg/dist/node.js").Event} Event
 * @typedef {import("../../pkg/dist/node.js").LeaseRequest} LeaseRequest
 * @typedef {import("../../pkg/dist/node.js").NextMove} NextMove
 * @typedef {import("../../pkg/dist/node.js").Response} Answer
 * @typedef {import("../../pkg/dist/node.js").PersistIntent} PersistIntent
 * @typedef {import("../../pkg/dist/node.js").RefreshIntent} RefreshIntent
 * @typedef {import("../../pkg/dist/node.js").Wake} Wake
 *
 * @typedef {Extract<NextMove, { lease: number }>} Move Next move of a request that has not ended.
 */

/** Number of attempts to write the last changes. */
const LAST_WRITES = 3;

export class Host {
  /** Uses and failures of each credential in this run. @type {Map<string, { uses: number, failures: Record<string, number> }>} */
  tallies = new Map();

  /** @type {Map<number, Promise<void>>} */
  #refreshes = new Map();
  #writes = Promise.resolve();
  /** @type {Wake | null} */
  #wake = null;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #isOpen = true;

  /**
   * @param {object} options
   * @param {CredentialPool} options.pool
   * @param {import("../../pkg/dist/node-file-store.js").FileStore} options.store
   * @param {string} options.provider Base URL of the provider.
   * @param {(event: string) => void} options.log
   * @param {AbortSignal} options.signal Ends requests, but no refresh, whose new tokens would be lost.
   */
  constructor({ pool, store, provider, log, signal }) {
    this.pool = pool;
    this.store = store;
    this.provider = provider;
    this.log = log;
    this.signal = signal;
  }

  /**
   * Starts the intents of a step, and returns its value.
   *
   * @template T
   * @param {Step<T>} step
   */
  take({ value, intents, events, wake }) {
    for (const intent of intents) {
      if (intent.type === "persist") this.#writes = this.#writes.then(() => this.#persist(intent));
      else this.#refreshes.set(intent.id, this.#refresh(intent));
    }
    for (const event of events) this.#record(event);
    this.#schedule(wake);
    return value;
  }

  /**
   * Carries out a move of a request, and returns the next move.
   *
   * @param {Move} move
   * @param {LeaseRequest} request
   * @returns {Promise<NextMove>}
   */
  async follow(move, request) {
    switch (move.type) {
      case "use":
        return this.take(this.pool.report(move.lease, await this.#send(move.credential, request)));
      case "retry":
      case "wait":
        await sleep(Math.max(move.until - Date.now(), 0), undefined, { signal: this.signal });
        break;
      case "refresh":
        await this.#refreshes.get(move.intent);
        break;
    }
    return this.take(this.pool.resume(move.lease));
  }

  /** Ends all refreshes and writes, and returns whether the file has all changes of the pool. */
  async close() {
    this.#isOpen = false;
    // A refresh may need a second request.
    while (this.#refreshes.size > 0) await Promise.all(this.#refreshes.values());
    for (let write = 0; write < LAST_WRITES; write += 1) {
      this.take(this.pool.flush());
      await this.#writes;
      if (this.pool.outstanding().length === 0 && (await this.isSaved())) break;
    }
    clearTimeout(this.#timer);
    return this.isSaved();
  }

  /** Returns whether a pool opened from the file has the rows of this pool. */
  async isSaved() {
    const reading = await this.store.read(this.pool.key()).catch(() => undefined);
    if (reading === undefined) return false;
    const { pool } = CredentialPool.open({ key: this.pool.key(), stored: reading.stored });
    const isSaved =
      isDeepStrictEqual(pool.rows(), this.pool.rows()) && isDeepStrictEqual(pool.setAside(), this.pool.setAside());
    pool.free();
    return isSaved;
  }

  /**
   * Sends a request with a credential, and returns the provider's answer; an empty answer if the provider was not reached.
   *
   * @param {string} credential
   * @param {LeaseRequest} request
   * @returns {Promise<Answer>}
   */
  async #send(credential, { model }) {
    const { failures } = this.#tally(credential);
    try {
      const response = await fetch(`${this.provider}/v1/chat/completions`, {
        method: "POST",
        headers: { Authorization: `Bearer ${this.pool.runtime(credential).key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello?" }] }),
        signal: this.signal,
      });
      const body = await response.text();
      if (response.ok) return { status: response.status };
      failures[response.status] = (failures[response.status] ?? 0) + 1;
      return { status: response.status, headers: [...response.headers], body };
    } catch (error) {
      if (this.signal.aborted) throw error;
      failures["no answer"] = (failures["no answer"] ?? 0) + 1;
      return {};
    }
  }

  /** @param {PersistIntent} intent */
  async #persist({ id, changes }) {
    try {
      await this.store.commit(this.pool.key(), changes);
      this.take(this.pool.settle(id, { type: "saved" }));
    } catch (error) {
      this.log(`changes are not saved yet: ${error instanceof Error ? error.message : error}`);
      this.take(this.pool.settle(id, { type: "failed" }));
    }
  }

  /** @param {RefreshIntent} intent */
  async #refresh({ id, credential, request }) {
    const settled = this.take(this.pool.settle(id, await sendRefresh(request, this.provider)));
    this.#refreshes.delete(id);
    if (settled.type === "unrefreshed") this.log(`${this.#label(credential)} was not refreshed`);
  }

  /** @param {Wake | null} wake */
  #schedule(wake) {
    if (wake?.at === this.#wake?.at && wake?.reason === this.#wake?.reason) return;
    this.#wake = wake;
    clearTimeout(this.#timer);
    if (wake === null || !this.#isOpen) return;
    const LONGEST_MS = 2 ** 31 - 1;
    this.#timer = setTimeout(() => {
      this.#wake = null;
      this.take(this.pool.tick());
    }, Math.min(Math.max(wake.at - Date.now(), 0), LONGEST_MS)).unref();
  }

  /**
   * Counts uses, and reports events that affect later requests.
   *
   * @param {Event} event
   */
  #record({ credential, what, text }) {
    if (what.type === "chosen") this.#tally(credential).uses += 1;
    else if (!["passed_over", "awaits_refresh"].includes(what.type)) this.log(`${this.#label(credential)} ${text}`);
  }

  /** @param {string} credential */
  #label(credential) {
    const label = this.pool.entries().find(({ id }) => id === credential)?.label;
    return label === undefined ? credential : `${label} (${credential})`;
  }

  /** @param {string} credential */
  #tally(credential) {
    const tally = this.tallies.get(credential) ?? { uses: 0, failures: {} };
    this.tallies.set(credential, tally);
    return tally;
  }
}
