/** A connection to Redis that reconnects with exponential backoff until it is closed. */

import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";

import type { createClient, RedisClientType } from "redis";

import type { Millis } from "../core/types.js";

export type Client = ReturnType<typeof createClient>;

/** A client of any protocol version and with any modules; its settings are used. */
export type AnyClient = RedisClientType<any, any, any, any, any>;

/** A command that failed: without a response, or with an error response. */
export class RedisFailure extends Error {
  constructor(
    /** Description of the failure, without any part of the command. */
    readonly description: string,
    /** Error prefix of the response, such as `READONLY`; undefined if no response came. */
    readonly reply: string | undefined,
    /** Whether the command may have been carried out. */
    readonly isUncertain: boolean,
  ) {
    super(description);
    this.name = "RedisFailure";
  }
}

export class Connection {
  readonly #template: AnyClient;
  readonly #prepare: (client: Client) => Promise<void>;
  readonly #onReady: () => void;
  readonly #waiting = new Set<() => void>();
  #client: Client | undefined;
  #failure: RedisFailure | undefined;
  /** Time of the first command since the last response, by `performance.now()`; undefined after a response. */
  #silentSince: Millis | undefined;
  #isClosed = false;
  #isRunning = false;
  #wake: (() => void) | undefined;

  /**
   * @param template A client whose settings are used; it is never connected.
   * @param prepare Runs on every new connection before its first command.
   * @param onReady Called for every new connection.
   */
  constructor(template: AnyClient, prepare: (client: Client) => Promise<void>, onReady: () => void) {
    this.#template = template;
    this.#prepare = prepare;
    this.#onReady = onReady;
  }

  /** Connects in the background, until closed. Ends the pause before the next attempt. */
  open(): void {
    if (this.#isClosed) return;
    this.#wake?.();
    if (!this.#isRunning) void this.#keepConnected();
  }

  /** Closes the connection permanently. */
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
   * Runs an idempotent command, and repeats it while Redis is unreachable.
   *
   * @param deadline By `performance.now()`. Waiting does not keep the process alive.
   * @param isWrite Whether a lost response leaves the outcome uncertain.
   * @throws {RedisFailure} The command was not carried out in time, or Redis refused it.
   */
  async run<T>(deadline: Millis, action: (client: Client) => Promise<T>, isWrite = true): Promise<T> {
    let isUncertain = false;
    for (let pauses = 1; ; pauses++) {
      const client = await this.#ready(deadline, isUncertain);
      const sentAt = performance.now();
      try {
        const answer = await inTime(action(client), deadline);
        this.#silentSince = undefined;
        return answer;
      } catch (error) {
        const reply = replyOf(error);
        this.#silentSince = reply === undefined ? (this.#silentSince ?? sentAt) : undefined;
        const isDead = performance.now() - (this.#silentSince ?? Infinity) > MAX_SILENCE_MS;
        if (isDead || WRONG_SERVER.has(reply ?? "")) client.destroy();
        isUncertain ||= isWrite && reply === undefined;
        const isOver = performance.now() >= deadline;
        if (isOver || (reply !== undefined && !TRANSIENT.has(reply))) {
          throw new RedisFailure(descriptionOf(error), reply, isUncertain && reply === undefined);
        }
        if (reply !== undefined) await delay(Math.min(50 * pauses, 500));
      }
    }
  }

  async #ready(deadline: Millis, isUncertain: boolean): Promise<Client> {
    this.open();
    while (this.#client === undefined) {
      const failure = this.#failure;
      const description = failure?.description ?? "there is no connection yet";
      const isHopeless = failure?.reply !== undefined && !TRANSIENT.has(failure.reply);
      if (isHopeless || this.#isClosed || performance.now() >= deadline) {
        throw new RedisFailure(this.#isClosed ? "the store is closed" : description, failure?.reply, isUncertain);
      }
      let wake = (): void => {};
      const change = new Promise<void>((resolve) => this.#waiting.add((wake = resolve)));
      await inTime(change, deadline).catch(() => {});
      this.#waiting.delete(wake);
    }
    return this.#client;
  }

  async #keepConnected(): Promise<void> {
    this.#isRunning = true;
    for (let failures = 0; !this.#isClosed; failures++) {
      const client = this.#newClient();
      const end = new Promise<unknown>((resolve) => client.on("terminated", resolve).on("end", resolve));
      try {
        await client.connect();
        await this.#prepare(client);
        if (!this.#isClosed) {
          failures = 0;
          this.#failure = undefined;
          this.#silentSince = undefined;
          this.#client = client;
          this.#changed();
          this.#onReady();
          this.#failure = failureOf(await end);
        }
      } catch (error) {
        this.#failure = failureOf(error);
      }
      this.#client = undefined;
      client.destroy();
      this.#changed();
      const pause = Math.min(20 * 2 ** failures, MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);
      if (!this.#isClosed) await this.#backOff(pause);
    }
    this.#isRunning = false;
  }

  /** Returns a client that does not keep the process alive; `keepingAlive` does while a caller waits. */
  #newClient(): Client {
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

  async #backOff(ms: Millis): Promise<void> {
    await Promise.race([delay(ms), new Promise<void>((resolve) => (this.#wake = resolve))]);
    this.#wake = undefined;
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Longest pause between two attempts to connect, in milliseconds. */
const MAX_BACKOFF_MS = 2000;

/** Silence after which a connection is replaced once a caller's deadline has passed, in milliseconds. */
const MAX_SILENCE_MS = 1000;

/** Error prefixes of conditions that end by themselves. */
const TRANSIENT = new Set(["LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "UNBLOCKED"]);

/** Error prefixes of a server that is no longer the primary: a new connection may reach the new primary. */
const WRONG_SERVER = new Set(["READONLY", "MASTERDOWN"]);

function failureOf(error: unknown): RedisFailure {
  return new RedisFailure(descriptionOf(error), replyOf(error), false);
}

/** Returns the error prefix of a response; undefined if no response came. */
function replyOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || codeOf(error) !== undefined) return undefined;
  return /^[A-Z]{2,}(?= )/.exec(error.message)?.[0];
}

/** Describes an error. Leaves out its message, which may repeat the command. */
function descriptionOf(error: unknown): string {
  const reply = replyOf(error);
  if (reply !== undefined) return `it answers ${reply}`;
  const code = codeOf(error);
  if (code !== undefined) return `it cannot be reached (${code})`;
  return error instanceof Timeout ? "it does not answer" : "the connection was lost";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

class Timeout extends Error {}

/** @throws {Timeout} */
async function inTime<T>(promise: Promise<T>, deadline: Millis): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Timeout()), Math.max(deadline - performance.now(), 0));
    timer.unref();
  });
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits without keeping the process alive. */
export function delay(ms: Millis): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}

/** Keeps the process alive until a promise settles. */
export async function keepingAlive<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 2 ** 30);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
