/** One pool in Redis, as one store sees it: reads and commits in batches, with optimistic concurrency. */

import { emptyDocument } from "../credential_pool.js";
import type { Change, Millis, Reading, Refusal } from "../core/types.js";
import { ChangeListeners } from "./change-listeners.js";
import { readingOf, withChanges } from "./document-text.js";
import { lockedError } from "./keyed-mutex.js";
import { type Connection, delay, keepingAlive, RedisFailure } from "./redis-connection.js";
import { SWAP } from "./redis-script.js";
import { isLost, isSameLineage, newToken, type State, versionAfter, versionRestored } from "./redis-version.js";
import { StoreError } from "./store.js";

/** A read or a commit that a caller waits for. */
interface Job {
  /** Changes of a commit; undefined for a read. */
  changes: readonly Change[] | undefined;
  /** Whether its changes were sent and no response came. */
  isUncertain: boolean;
  /** Changes that the document could not take. */
  refused: Refusal[];
  /** By `performance.now()`. */
  deadline: Millis;
  resolve(text: string): void;
  reject(error: unknown): void;
}

/** The state after an exchange. */
interface Next {
  text: string | undefined;
  /** Version to write; undefined if nothing is to be written. */
  version: string | undefined;
  /** Whether the server has lost the state that is written. */
  isRestoring: boolean;
}

export class RedisPool {
  readonly listeners = new ChangeListeners();
  /** Name of the hash in Redis, and of the channel that announces its versions. */
  readonly hash: string;
  readonly #connection: Connection;
  readonly #key: string;
  readonly #place: string;
  readonly #waitMs: Millis;
  /** Id of this store in the order of turns. */
  readonly #writer = newToken();
  #jobs: Job[] = [];
  #isWorking = false;
  /** Last state that was read, if it was a document. */
  #known: State | undefined;
  /** Latest changes that this store has written; a server that lost them gets them again. */
  #recent: Change[] = [];
  /** Whether the server may have lost data since the last exchange. */
  #isSuspect = false;

  /** @param place Name of the pool in errors. */
  constructor(connection: Connection, key: string, hash: string, place: string, waitMs: Millis) {
    this.#connection = connection;
    this.#key = key;
    this.hash = hash;
    this.#place = place;
    this.#waitMs = waitMs;
  }

  document(): Promise<string> {
    return keepingAlive(this.#do(undefined));
  }

  async read(): Promise<Reading> {
    const reading = readingOf(await this.document(), this.#key, this.#place);
    this.listeners.read(this.#key, reading);
    return reading;
  }

  async commit(changes: readonly Change[]): Promise<readonly Refusal[]> {
    const refused: Refusal[] = [];
    await keepingAlive(this.#do(changes, refused));
    return refused;
  }

  /** Handles the announcement of a version, which may be this store's own. */
  announced(version: string): void {
    const known = this.#known?.version ?? "";
    // During an exchange the known version may be about to change.
    const isNew = this.#isWorking || version !== known;
    const isRelevant = !this.listeners.isEmpty || (known !== "" && !isSameLineage(version, known));
    if (isNew && isRelevant) this.refresh();
  }

  /** Reads the pool, and tells the listeners if another writer has changed it. */
  refresh(): void {
    // An unreadable pool is no change; `read` says why.
    this.#do(undefined).then((text) => this.listeners.changed(text)).catch(() => {});
  }

  /** Handles a new connection: the server may be another server, or may have lost acknowledged writes. */
  reconnected(): void {
    this.#isSuspect = true;
    if (this.#known !== undefined) this.refresh();
  }

  #do(changes: readonly Change[] | undefined, refused: Refusal[] = []): Promise<string> {
    const deadline = performance.now() + this.#waitMs;
    const done = new Promise<string>((resolve, reject) => {
      this.#jobs.push({ changes, refused, isUncertain: false, deadline, resolve, reject });
    });
    void this.#work();
    return done;
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    // Jobs of the same moment share an exchange.
    await undefined;
    while (this.#jobs.length > 0) await this.#round(this.#jobs.splice(0));
    this.#isWorking = false;
  }

  /** Carries out several jobs in one exchange. After a timeout, jobs with a later deadline are tried again. */
  async #round(jobs: Job[]): Promise<void> {
    const deadline = Math.min(...jobs.map((job) => job.deadline));
    try {
      await this.#exchange(jobs, deadline);
    } catch (error) {
      const isOver = error instanceof RedisFailure && performance.now() >= deadline;
      for (const job of jobs) {
        job.isUncertain ||= error instanceof RedisFailure && error.isUncertain;
        if (isOver && job.deadline > performance.now()) this.#jobs.push(job);
        else job.reject(this.#errorFor(job, error));
      }
    }
  }

  async #exchange(jobs: Job[], deadline: Millis): Promise<void> {
    const isReading = jobs.every(({ changes }) => changes === undefined);
    // Usually no other store has written since.
    let isGuess = !isReading && this.#known !== undefined;
    let found: State = isGuess && this.#known ? this.#known : await this.#fetch(deadline);
    for (;;) {
      const { text, version = "", isRestoring } = this.#next(found, jobs);
      const now: State = version || isGuess ? await this.#swap(found, version, text, deadline) : found;
      if (now.version === (version || found.version)) {
        this.#done(jobs, found, { version: now.version, text });
        if (isRestoring) this.listeners.tell(restored(this.#place));
        return;
      }
      [found, isGuess] = [now, false];
    }
  }

  /** Returns the pool's new text, and a new version if the text has to be written. */
  #next(found: State, jobs: Job[]): Next {
    const known = this.#known;
    const isRestoring = known !== undefined && isLost(known, found);
    let text = isRestoring ? known.text : found.text;
    if (known !== undefined && known.version !== found.version && !isRestoring) {
      // The store that restored the pool, or made it anew, did not know all changes of this store.
      const isSuspect = this.#isSuspect || !isSameLineage(known.version, found.version);
      if (isSuspect && this.#recent.length > 0) ({ text } = this.#with(text, this.#recent));
    }
    for (const job of [...jobs]) {
      if (job.changes === undefined) continue;
      try {
        const next = this.#with(text, job.changes);
        text = next.text;
        job.refused.splice(0, Infinity, ...next.refused);
      } catch (error) {
        if (error instanceof StoreError) throw error;
        // Malformed changes must not fail the other jobs.
        jobs.splice(jobs.indexOf(job), 1);
        job.reject(error);
      }
    }
    if (text === found.text) return { text, version: undefined, isRestoring: false };
    const now = Date.now();
    const version = isRestoring ? versionRestored(known.version, now) : versionAfter(found.version, now);
    return { text, version, isRestoring };
  }

  #with(
    text: string | undefined,
    changes: readonly Change[],
  ): { text: string | undefined; refused: Refusal[] } {
    const before = text ?? emptyDocument();
    const { text: after, refused } = withChanges(before, this.#key, changes, this.#place);
    return { text: after === before ? text : after, refused };
  }

  #done(jobs: readonly Job[], found: State, now: State): void {
    const text = now.text ?? emptyDocument();
    // An invalid document is not remembered, so that it is never restored.
    if (now.version === found.version) readingOf(text, this.#key, this.#place);
    this.#known = now;
    this.#isSuspect = false;
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
    const [version, text] = await this.#connection.run(deadline, (client) =>
      client.hmGet(this.hash, ["version", "document"]), false);
    return this.#state(version ?? (typeof text === "string" ? HANDWRITTEN : ""), text);
  }

  /** Writes if the pool is still in the found state. Returns its state afterwards. */
  async #swap(found: State, version: string, text: string | undefined, deadline: Millis): Promise<State> {
    for (let answerBy = deadline; ; ) {
      const answer = await this.#connection.run(answerBy, (client) =>
        SWAP.run(client, this.hash, found.version, version, text ?? "", this.#writer), version !== "");
      const [now, other] = answer as [string, string | null | undefined];
      if (now === version) return { version, text };
      if (now === found.version) return found;
      if (performance.now() >= deadline) throw lockedError(this.#waitMs, this.#place);
      if (now !== "wait") return this.#state(now, other);
      await delay(2 + Math.random() * 8);
      // The server responds. A timeout of the next attempt would leave its outcome uncertain.
      answerBy = Math.max(deadline, performance.now() + GRACE_MS);
    }
  }

  #state(version: string, text: unknown): State {
    if (typeof text === "string") return { version, text };
    if (version === "") return { version, text: undefined };
    const advice = "restore it, or delete the key; nothing was overwritten";
    const message = `${this.#place} has a version and no document: ${advice}`;
    throw new StoreError("invalid_document", message, { pointer: "" });
  }

  #errorFor({ changes, isUncertain }: Job, error: unknown): unknown {
    if (!(error instanceof RedisFailure)) return error;
    const code = changes === undefined ? "unreadable" : isUncertain ? "uncertain" : "unwritable";
    return asStoreError(error, code, this.#place);
  }
}

/** Wait for a response after the deadline, in milliseconds. */
const GRACE_MS = 1000;

/** Number of changes that are remembered at least. */
const RECENT = 1000;

/** Placeholder for the version of a handwritten document, which the script derives; no real version equals it. */
const HANDWRITTEN = "handwritten";

function restored(place: string): StoreError {
  const what = "was deleted, or the server lost data: the last known state was restored";
  return new StoreError("restored", `${place} ${what}; remove credentials with \`remove\` instead`);
}

/** Returns a failed command as a store error. */
export function asStoreError(
  { description, reply }: RedisFailure,
  code: "unreadable" | "unwritable" | "uncertain",
  place: string,
): StoreError {
  if (reply === "WRONGTYPE") {
    const message = `${place} is no hash: something else is stored there; delete it or use another prefix`;
    return new StoreError("invalid_document", `${message}; nothing was overwritten`, { pointer: "" });
  }
  const advice = reply === undefined ? "check that it runs, and try again" : (ADVICE[reply] ?? "see its log");
  const texts = {
    unreadable: `cannot be read, ${description}: ${advice}`,
    unwritable: `cannot be written, ${description}: ${advice}; nothing was written`,
    uncertain: `${description}: the changes may be written or not; commit them again`,
  };
  return new StoreError(code, `${place}${code === "uncertain" ? ": " : " "}${texts[code]}`);
}

const ADVICE: Record<string, string> = {
  WRONGPASS: "correct the user and the password",
  NOAUTH: "give a user and a password in the URL",
  NOPERM: "allow this user the commands, keys and channels that the documentation names",
  OOM: "give it more memory, and let it evict no keys (maxmemory-policy noeviction)",
  MISCONF: "it cannot write to its own disk; see its log",
  NOREPLICAS: "it has fewer replicas than its configuration requires",
  READONLY: "it is a replica; give the address of the primary",
  LOADING: "it is still starting; try again",
  ERR: "it does not understand the command; check that it is Redis 7 or compatible, and the database and password",
};
