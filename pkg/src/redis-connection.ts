/** One connection to Redis, made anew until it is closed. */

import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";

import type { createClient, RedisClientType } from "redis";

import type { Millis } from "./types.js";

export type Client = ReturnType<typeof createClient>;

/** A client of any kind, whose settings say where Redis is. */
export type AnyClient = RedisClientType<any, any, any, any, any>;

/** Redis could not be asked, or did not want to answer. */
export class RedisTrouble extends Error {
  constructor(
    /** What happened, without anything that was sent. */
    readonly why: string,
    /** The first word of an error that Redis answered. */
    readonly reply: string | undefined,
    /** Whether it may have been carried out all the same. */
    readonly isDoubtful: boolean,
  ) {
    super(why);
    this.name = "RedisTrouble";
  }
}

export class Connection {
  readonly #template: AnyClient;
  readonly #prepare: (client: Client) => Promise<void>;
  readonly #onReady: () => void;
  readonly #waiting = new Set<() => void>();
  #client: Client | undefined;
  #trouble: RedisTrouble | undefined;
  /** Since when nothing that was asked on this connection has been answered; by `performance.now()`. */
  #silentSince: Millis | undefined;
  #isClosed = false;
  #isRunning = false;
  #wake: (() => void) | undefined;

  /**
   * @param template A client that is never connected: this connection has its settings.
   * @param prepare Runs on every new connection before it is used.
   * @param onReady Is told of every new connection.
   */
  constructor(template: AnyClient, prepare: (client: Client) => Promise<void>, onReady: () => void) {
    this.#template = template;
    this.#prepare = prepare;
    this.#onReady = onReady;
  }

  /** Connects, in the background, until it is closed; now, if it was about to try again later. */
  open(): void {
    if (this.#isClosed) return;
    this.#wake?.();
    if (!this.#isRunning) void this.#run();
  }

  /** Closes it for good. */
  close(): void {
    this.#isClosed = true;
    this.#client?.destroy();
    this.#wake?.();
    this.#changed();
  }

  /** The client, while it is connected. */
  get client(): Client | undefined {
    return this.#client;
  }

  /**
   * Does something that may be done twice, and does it again while Redis cannot be reached.
   *
   * @param deadline By `performance.now()`. Waiting for it does not keep the process alive.
   * @param isWrite Whether it matters that it may have been done without an answer.
   * @throws {RedisTrouble} It was not done in time, or Redis refuses it.
   */
  async ask<T>(deadline: Millis, action: (client: Client) => Promise<T>, isWrite = true): Promise<T> {
    let isDoubtful = false;
    for (let pauses = 1; ; pauses++) {
      const client = await this.#ready(deadline, isDoubtful);
      const asked = performance.now();
      try {
        const answer = await inTime(action(client), deadline);
        this.#silentSince = undefined;
        return answer;
      } catch (error) {
        const reply = replyOf(error);
        this.#silentSince = reply === undefined ? (this.#silentSince ?? asked) : undefined;
        const isDead = performance.now() - (this.#silentSince ?? Infinity) > LONG_MS;
        if (isDead || RECONNECTS.has(reply ?? "")) client.destroy();
        isDoubtful ||= isWrite && reply === undefined;
        const isOver = performance.now() >= deadline;
        if (isOver || (reply !== undefined && !PASSES.has(reply))) {
          throw new RedisTrouble(whyOf(error), reply, isDoubtful && reply === undefined);
        }
        if (reply !== undefined) await pause(Math.min(50 * pauses, 500));
      }
    }
  }

  async #ready(deadline: Millis, isDoubtful: boolean): Promise<Client> {
    this.open();
    while (this.#client === undefined) {
      const trouble = this.#trouble;
      const why = trouble?.why ?? "there is no connection yet";
      const isHopeless = trouble?.reply !== undefined && !PASSES.has(trouble.reply);
      if (isHopeless || this.#isClosed || performance.now() >= deadline) {
        throw new RedisTrouble(this.#isClosed ? "the store is closed" : why, trouble?.reply, isDoubtful);
      }
      let wake = (): void => {};
      const change = new Promise<void>((resolve) => this.#waiting.add((wake = resolve)));
      await inTime(change, deadline).catch(() => {});
      this.#waiting.delete(wake);
    }
    return this.#client;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let failures = 0; !this.#isClosed; failures++) {
      const client = this.#make();
      const end = new Promise<unknown>((resolve) => client.on("terminated", resolve).on("end", resolve));
      try {
        await client.connect();
        await this.#prepare(client);
        if (!this.#isClosed) {
          failures = 0;
          this.#trouble = undefined;
          this.#silentSince = undefined;
          this.#client = client;
          this.#changed();
          this.#onReady();
          this.#trouble = troubleOf(await end);
        }
      } catch (error) {
        this.#trouble = troubleOf(error);
      }
      this.#client = undefined;
      client.destroy();
      this.#changed();
      if (!this.#isClosed) await this.#rest(Math.min(20 * 2 ** failures, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2));
    }
    this.#isRunning = false;
  }

  /** Without a part in whether the process lives: those who wait for an answer see to that. */
  #make(): Client {
    const { socket } = this.#template.options;
    const client = this.#template.duplicate({
      RESP: 2,
      maintNotifications: "disabled",
      disableOfflineQueue: true,
      socket: { connectTimeout: 5000, ...socket, reconnectStrategy: false } as NonNullable<typeof socket>,
    }) as unknown as Client;
    client.on("error", () => {});
    client.unref();
    return client;
  }

  async #rest(ms: Millis): Promise<void> {
    await Promise.race([pause(ms), new Promise<void>((resolve) => (this.#wake = resolve))]);
    this.#wake = undefined;
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

const LONGEST_PAUSE_MS = 2000;

/** A connection that has been silent for longer is given up, when somebody has given up waiting. */
const LONG_MS = 1000;

/** What passes by itself, by the first word of Redis's answer. */
const PASSES = new Set(["LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "UNBLOCKED"]);

/** Answers of a server that is the wrong one now: its name may lead to another. */
const RECONNECTS = new Set(["READONLY", "MASTERDOWN"]);

function troubleOf(error: unknown): RedisTrouble {
  return new RedisTrouble(whyOf(error), replyOf(error), false);
}

/** The first word of what Redis answered; nothing if it did not answer. */
function replyOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || codeOf(error) !== undefined) return undefined;
  return /^[A-Z]{2,}(?= )/.exec(error.message)?.[0];
}

/** Never what the error says as a whole: that may repeat what was sent. */
function whyOf(error: unknown): string {
  const reply = replyOf(error);
  if (reply !== undefined) return `it answers ${reply}`;
  const code = codeOf(error);
  if (code !== undefined) return `it cannot be reached (${code})`;
  return error instanceof Late ? "it does not answer" : "the connection was lost";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

class Late extends Error {}

/** @throws {Late} */
async function inTime<T>(promise: Promise<T>, deadline: Millis): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late()), Math.max(deadline - performance.now(), 0));
    timer.unref();
  });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets time pass, without keeping the process alive. */
export function pause(ms: Millis): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

/** Keeps the process alive until something is done. */
export async function alive<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 2 ** 30);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
