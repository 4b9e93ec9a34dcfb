/** One pool in Redis, as one store sees it: its reads and commits, in order and several at a time. */

import { emptyDocument } from "./credential_pool.js";
import { Listeners } from "./listeners.js";
import { alive, type Connection, pause, RedisTrouble } from "./redis-connection.js";
import { SWAP } from "./redis-script.js";
import { isLost, isSameLine, newToken, type State, versionAfter, versionPutBack } from "./redis-version.js";
import { StoreError } from "./store.js";
import { readingOf, withChanges } from "./stored-text.js";
import { locked } from "./turns.js";
import type { Change, Millis, Reading } from "./types.js";

/** What somebody waits for. */
interface Job {
  /** Nothing if it only reads. */
  changes: readonly Change[] | undefined;
  /** Whether its changes were sent, and no answer came. */
  isDoubtful: boolean;
  /** By `performance.now()`. */
  deadline: Millis;
  resolve(text: string): void;
  reject(error: unknown): void;
}

export class RedisPool {
  readonly listeners = new Listeners();
  /** The hash in Redis, and the channel on which its changes are told. */
  readonly hash: string;
  readonly #connection: Connection;
  readonly #key: string;
  readonly #place: string;
  readonly #waitMs: Millis;
  /** Names this store to those who wait for their turn. */
  readonly #writer = newToken();
  #jobs: Job[] = [];
  #isWorking = false;
  /** What was last seen, of what could be read. */
  #known: State | undefined;
  /** What this store has written last: a server may lose it, and gets it again then. */
  #recent: Change[] = [];
  #isDoubted = false;

  /** @param place Names the pool in errors. */
  constructor(connection: Connection, key: string, hash: string, place: string, waitMs: Millis) {
    this.#connection = connection;
    this.#key = key;
    this.hash = hash;
    this.#place = place;
    this.#waitMs = waitMs;
  }

  document(): Promise<string> {
    return alive(this.#do(undefined));
  }

  async read(): Promise<Reading> {
    const reading = readingOf(await this.document(), this.#key, this.#place);
    this.listeners.read(this.#key, reading);
    return reading;
  }

  async commit(changes: readonly Change[]): Promise<void> {
    await alive(this.#do(changes));
  }

  /** Somebody has written a version, perhaps this store. */
  told(version: string): void {
    const known = this.#known?.version ?? "";
    // While it works, it may be just about to learn of it.
    const isNews = this.#isWorking || version !== known;
    const isConcern = !this.listeners.isEmpty || (known !== "" && !isSameLine(version, known));
    if (isNews && isConcern) this.look();
  }

  /** Looks whether somebody else has written. */
  look(): void {
    // What cannot be read is nobody's change; `read` says why.
    this.#do(undefined).then((text) => this.listeners.changed(text)).catch(() => {});
  }

  /** The connection is a new one: the server may be another, or have lost what it acknowledged last. */
  doubt(): void {
    this.#isDoubted = true;
    if (this.#known !== undefined) this.look();
  }

  #do(changes: readonly Change[] | undefined): Promise<string> {
    const deadline = performance.now() + this.#waitMs;
    const done = new Promise<string>((resolve, reject) => {
      this.#jobs.push({ changes, isDoubtful: false, deadline, resolve, reject });
    });
    void this.#work();
    return done;
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    // Those who come at the same moment go together.
    await undefined;
    while (this.#jobs.length > 0) await this.#round(this.#jobs.splice(0));
    this.#isWorking = false;
  }

  /** Does what several wait for in one go. Those who still have time when that fails have another one. */
  async #round(jobs: Job[]): Promise<void> {
    const deadline = Math.min(...jobs.map((job) => job.deadline));
    try {
      await this.#exchange(jobs, deadline);
    } catch (error) {
      const isOver = error instanceof RedisTrouble && performance.now() >= deadline;
      for (const job of jobs) {
        job.isDoubtful ||= error instanceof RedisTrouble && error.isDoubtful;
        if (isOver && job.deadline > performance.now()) this.#jobs.push(job);
        else job.reject(this.#errorFor(job, error));
      }
    }
  }

  async #exchange(jobs: Job[], deadline: Millis): Promise<void> {
    const isLooking = jobs.every(({ changes }) => changes === undefined);
    // Most often nobody else has written since.
    let isGuess = !isLooking && this.#known !== undefined;
    let found: State = isGuess && this.#known ? this.#known : await this.#fetch(deadline);
    for (;;) {
      const { text, version = "" } = this.#next(found, jobs);
      const now: State = version || isGuess ? await this.#swap(found, version, text, deadline) : found;
      if (now.version === (version || found.version)) return this.#done(jobs, found, { version: now.version, text });
      [found, isGuess] = [now, false];
    }
  }

  /** What the pool should say, given what was found, and the version if that is to be written. */
  #next(found: State, jobs: Job[]): { text: string | undefined; version: string | undefined } {
    const known = this.#known;
    const isBack = known !== undefined && isLost(known, found);
    let text = isBack ? known.text : found.text;
    if (known !== undefined && known.version !== found.version && !isBack) {
      // Whoever put the pool back, or began it anew, did not know of all that this store wrote.
      const isSuspect = this.#isDoubted || !isSameLine(known.version, found.version);
      if (isSuspect && this.#recent.length > 0) text = this.#with(text, this.#recent);
    }
    for (const job of [...jobs]) {
      if (job.changes === undefined) continue;
      try {
        text = this.#with(text, job.changes);
      } catch (error) {
        if (error instanceof StoreError) throw error;
        // Its own fault, and no reason to fail the others.
        jobs.splice(jobs.indexOf(job), 1);
        job.reject(error);
      }
    }
    if (text === found.text) return { text, version: undefined };
    const now = Date.now();
    return { text, version: isBack ? versionPutBack(known.version, now) : versionAfter(found.version, now) };
  }

  #with(text: string | undefined, changes: readonly Change[]): string | undefined {
    const before = text ?? emptyDocument();
    const after = withChanges(before, this.#key, changes, this.#place);
    return after === before ? text : after;
  }

  #done(jobs: readonly Job[], found: State, now: State): void {
    const text = now.text ?? emptyDocument();
    // What cannot be read is not remembered, and so never put back.
    if (now.version === found.version) readingOf(text, this.#key, this.#place);
    this.#known = now;
    this.#isDoubted = false;
    if (now.version !== found.version) this.listeners.wrote(found.text ?? emptyDocument(), text);
    for (const job of jobs) {
      this.#remember(job.changes ?? []);
      job.resolve(text);
    }
  }

  #remember(changes: readonly Change[]): void {
    this.#recent.push(...changes);
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
  }

  async #fetch(deadline: Millis): Promise<State> {
    const [version, text] = await this.#connection.ask(deadline, (client) =>
      client.hmGet(this.hash, ["version", "document"]), false);
    return this.#state(version ?? (typeof text === "string" ? HANDWRITTEN : ""), text);
  }

  /** Writes, if the pool is still as it was found; answers what it is now. */
  async #swap(found: State, version: string, text: string | undefined, deadline: Millis): Promise<State> {
    for (let answerBy = deadline; ; ) {
      const answer = await this.#connection.ask(answerBy, (client) =>
        SWAP.run(client, this.hash, found.version, version, text ?? "", this.#writer), version !== "");
      const [now, other] = answer as [string, string | null | undefined];
      if (now === version) return { version, text };
      if (now === found.version) return found;
      if (performance.now() >= deadline) throw locked(this.#waitMs, this.#place);
      if (now !== "wait") return this.#state(now, other);
      await pause(2 + Math.random() * 8);
      // It answers, so that the next try must not be cut short: whether it was written would be uncertain.
      answerBy = Math.max(deadline, performance.now() + LAST_MS);
    }
  }

  #state(version: string, text: unknown): State {
    if (typeof text === "string") return { version, text };
    if (version === "") return { version, text: undefined };
    const message = `${this.#place} has a version and no document: restore it, or delete the key; nothing was overwritten`;
    throw new StoreError("invalid_document", message, { pointer: "" });
  }

  #errorFor({ changes, isDoubtful }: Job, error: unknown): unknown {
    if (!(error instanceof RedisTrouble)) return error;
    const code = changes === undefined ? "unreadable" : isDoubtful ? "uncertain" : "unwritable";
    return asStoreError(error, code, this.#place);
  }
}

/** How long an answer is waited for when time is over. */
const LAST_MS = 1000;

/** How many changes are kept at least. */
const RECENT = 1000;

/** Stands for a version that Redis works out; no version is like it. */
const HANDWRITTEN = "handwritten";

/** What is said of trouble with Redis. */
export function asStoreError(
  { why, reply }: RedisTrouble,
  code: "unreadable" | "unwritable" | "uncertain",
  place: string,
): StoreError {
  if (reply === "WRONGTYPE") {
    const message = `${place} is no hash: something else is stored there; delete it or use another prefix`;
    return new StoreError("invalid_document", `${message}; nothing was overwritten`, { pointer: "" });
  }
  const advice = reply === undefined ? "see that it runs, and try again" : (ADVICE[reply] ?? "see its log");
  const said = {
    unreadable: `cannot be read, ${why}: ${advice}`,
    unwritable: `cannot be written, ${why}: ${advice}; nothing was written`,
    uncertain: `${why}: the changes may be written or not; commit them again`,
  };
  return new StoreError(code, `${place}${code === "uncertain" ? ": " : " "}${said[code]}`);
}

const ADVICE: Record<string, string> = {
  WRONGPASS: "correct the user and the password",
  NOAUTH: "give a user and a password in the URL",
  NOPERM: "allow this user the commands, keys and channels that the documentation names",
  OOM: "give it more memory, and let it evict no keys (maxmemory-policy noeviction)",
  MISCONF: "it cannot write to its own disk; see its log",
  NOREPLICAS: "it has fewer replicas than it is told to wait for",
  READONLY: "it is a replica; give the address of the primary",
  LOADING: "it is still starting; try again",
  ERR: "it does not understand what is asked; see that it is Redis 7 or compatible, and the database and password",
};
