/** Carries out the intents of a pool's steps (writes, refreshes) and its wake-ups. Decides nothing. */

import type { CredentialPool } from "../credential_pool.js";
import { PoolError } from "../core/errors.js";
import type {
  Event, HttpRequest, Intent, Millis, PersistIntent, RefreshIntent, RefreshOutcome, Refusal, Settled, Sources, Step, Wake,
} from "../core/types.js";
import { responseWithBody } from "../http/bodies.js";
import type { Store } from "../stores/store.js";
import { isUnsent } from "./responses.js";

/** The host's IO and callbacks. */
export interface RunnerOptions {
  readonly store: Store;
  readonly fetch: typeof fetch;
  /** Shows the places that discovery reads; undefined if they are shown once, at `open`. */
  readonly sources: (() => Promise<Omit<Sources, "documentLogins">>) | undefined;
  readonly now: () => Millis;
  readonly onEvent: (event: Event) => void;
  readonly onProblem: (problem: unknown) => void;
}

export class Runner {
  readonly #core: CredentialPool;
  readonly #key: string;
  readonly #options: RunnerOptions;
  readonly #endWatch: () => void;
  readonly #queue: PersistIntent[] = [];
  /** Callbacks of steps whose changes the next write holds. */
  readonly #waiting: ((isSaved: boolean) => void)[] = [];
  #writing: Promise<void> | undefined;
  /** Error of the last write; undefined if it succeeded. */
  #failure: { readonly error: unknown } | undefined;
  /** Refusals of changes that were reported. */
  readonly #refused = new Set<string>();
  /** Refreshes under way, by credential. */
  readonly #refreshes = new Map<string, Promise<void>>();
  #wakeAt: Millis | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOpen = true;
  /** Whether refreshes that are not sent yet are no longer sent. */
  #isEnding = false;

  constructor(core: CredentialPool, options: RunnerOptions) {
    this.#core = core;
    this.#key = core.key();
    this.#options = options;
    const onProblem = (problem: unknown): void => this.#reportProblem(problem);
    this.#endWatch = options.store.watch(this.#key, ({ stored }) => void this.take(core.sync(stored)), onProblem);
  }

  /** Whether a write is under way or has failed. */
  get isUnsaved(): boolean {
    return this.#writing !== undefined || this.#failure !== undefined;
  }

  /** Starts the intents of a step, and returns its value. */
  take<T>(step: Step<T>): T {
    void this.carryOut(step);
    return step.value;
  }

  /** Whether a write is under way. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Carries out the intents of a step. Returns whether all its changes were written. */
  async carryOut<T>(step: Step<T>): Promise<boolean> {
    const refreshes = step.intents.filter(isRefresh).map((intent) => this.#start(intent));
    const [isSaved] = await Promise.all([this.#write(step), ...refreshes]);
    return isSaved;
  }

  /** Resolves when no refresh of this login is under way. */
  async refreshed(credential: string): Promise<void> {
    await this.#refreshes.get(credential);
  }

  /**
   * Waits for refreshes, writes unsaved changes, and ends.
   *
   * @param isLate Ends the wait for refreshes. A request that was sent is not aborted: its answer holds the new tokens,
   *   which are written when they come.
   * @throws The store's error if the changes cannot be written; `close` may be called again.
   */
  async close(isLate: AbortSignal): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#endWatch();
    const late = new Promise<void>((resolve) => {
      if (isLate.aborted) resolve();
      isLate.addEventListener("abort", () => resolve(), { once: true });
    });
    while (this.#refreshes.size > 0 && !isLate.aborted) await Promise.race([late, Promise.all(this.#refreshes.values())]);
    this.#isEnding = true;
    this.take(this.#core.signOff());
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Carries out a step except for its refreshes. */
  async #write({ intents, events, wake }: Step<unknown>): Promise<boolean> {
    for (const event of events) this.#tell(event);
    this.#schedule(wake);
    this.#queue.push(...intents.filter(isPersist));
    const isWriting = this.#writing !== undefined;
    if (this.#queue.length === 0 && !isWriting) return true;
    // Changes made while a write is under way are in the next: the step that settles the write hands them out.
    const end = new Promise<boolean>((ended) => this.#waiting.push(ended));
    if (!isWriting) this.#writing = this.#writeQueue();
    return end;
  }

  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0 || this.#waiting.length > 0) {
      const [written, waiting] = [this.#queue.splice(0), this.#waiting.splice(0)];
      const newest = written.at(-1);
      // The newest intent contains the unsaved changes of the others.
      if (newest !== undefined) this.#failure = await this.#commit(newest.changes);
      const isSaved = this.#failure === undefined;
      for (const { id } of written) this.take(this.#core.settle(id, { type: isSaved ? "saved" : "failed" }));
      for (const ended of waiting) ended(isSaved);
    }
    this.#writing = undefined;
  }

  async #commit(changes: PersistIntent["changes"]): Promise<{ error: unknown } | undefined> {
    try {
      const refused = await this.#options.store.commit(this.#key, changes);
      for (const refusal of refused ?? []) this.#reportRefusal(refusal);
      return undefined;
    } catch (error) {
      this.#reportProblem(error);
      return { error };
    }
  }

  #start(intent: RefreshIntent): Promise<void> {
    const { credential } = intent;
    const refresh = this.#refresh(intent).finally(() => {
      if (this.#refreshes.get(credential) === refresh) this.#refreshes.delete(credential);
    });
    this.#refreshes.set(credential, refresh);
    return refresh;
  }

  /** Refreshes a login under the store's lock: one host spends the token, the others read the new tokens. */
  async #refresh(intent: RefreshIntent): Promise<void> {
    const { store } = this.#options;
    let next: RefreshIntent | undefined = intent;
    const underLock = async (): Promise<void> => {
      await this.#readBack();
      while (next !== undefined) {
        const request = await this.#claim(next);
        if (request === "gone") return void (next = undefined);
        next = await this.#settle(next, request === "unwritten" ? UNREACHABLE : await this.#send(request));
      }
    };
    try {
      await store.lock(`refresh ${this.#key} ${intent.credential}`, underLock, { waitMs: REFRESH_WAIT_MS });
    } catch (error) {
      this.#reportProblem(error);
      while (next !== undefined) next = await this.#settle(next, UNREACHABLE);
    }
  }

  /** Takes in the store's state, and the logins that other programs keep now. */
  async #readBack(): Promise<void> {
    const { stored, documentLogins } = await this.#options.store.read(this.#key);
    const shown = await this.#options.sources?.();
    await this.#write(this.#core.sync(stored, { ...shown, documentLogins }));
  }

  /** Returns the request once the store has shown that the claim holds; else why there is none. */
  async #claim({ id }: RefreshIntent): Promise<HttpRequest | "gone" | "unwritten"> {
    for (;;) {
      const step = this.#core.claim(id);
      const isWritten = await this.#write(step);
      if (step.value.type === "gone") return "gone";
      if (step.value.type === "send") return step.value.request;
      if (!isWritten || this.#isEnding) return "unwritten";
      await this.#readBack();
    }
  }

  /** Settles a request and writes the changes. Returns the next request of the refresh; undefined if it is over. */
  async #settle({ id }: RefreshIntent, outcome: RefreshOutcome): Promise<RefreshIntent | undefined> {
    const step: Step<Settled> = this.#core.settle(id, outcome);
    await this.#write(step);
    // A login of another program may have been refreshed by that program.
    if (step.value.type === "dead") await this.#readBack();
    return step.intents.find(isRefresh);
  }

  async #send({ method, url, headers, body, timeoutMs }: HttpRequest): Promise<RefreshOutcome> {
    const signal = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await this.#options.fetch(url, { method, headers, body, signal, redirect: "manual" });
    } catch (error) {
      return isUnsent(error) ? UNREACHABLE : LOST;
    }
    // Browsers return an opaque response with status 0 for a redirect.
    if (response.status === 0) return LOST;
    // A broken body is still a response: the refresh token may be spent.
    return { type: "response", ...(await responseWithBody(response, timeoutMs)) };
  }

  #schedule(wake: Wake | null): void {
    if (!this.#isOpen || wake?.at === this.#wakeAt) return;
    clearTimeout(this.#timer);
    this.#wakeAt = wake?.at;
    if (wake === null) return;
    const tick = (): void => {
      this.#wakeAt = undefined;
      this.take(this.#core.tick());
    };
    this.#timer = setTimeout(tick, Math.min(Math.max(wake.at - this.#options.now(), 0), MAX_TIMER_MS));
    unref(this.#timer);
  }

  /** Calls a listener later, so that a listener that throws neither ends the work of other callers nor the process. */
  #tell(event: Event): void {
    const { onEvent } = this.#options;
    void Promise.resolve(event).then(onEvent).catch((error: unknown) => this.#reportProblem(error));
  }

  /** Reports, once, why the document takes no change of its kind. */
  #reportRefusal({ code, message, pointer }: Refusal): void {
    const reason = `${code} ${pointer}`;
    if (this.#refused.has(reason)) return;
    this.#refused.add(reason);
    this.#reportProblem(new PoolError(code, message, pointer));
  }

  #reportProblem(problem: unknown): void {
    const { onProblem } = this.#options;
    const log = (error: unknown): void => console.warn("credential-pool: `onProblem` threw an error:", error);
    void Promise.resolve(problem).then(onProblem).catch(log);
  }
}

/** Longest delay of `setTimeout`, in milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Longest wait for another host's refresh, in milliseconds: its requests, its writes, and a stale lock. */
const REFRESH_WAIT_MS = 60_000;

const UNREACHABLE: RefreshOutcome = { type: "unreachable" };
const LOST: RefreshOutcome = { type: "lost" };

const isPersist = (intent: Intent): intent is PersistIntent => intent.type === "persist";
const isRefresh = (intent: Intent): intent is RefreshIntent => intent.type === "refresh";

/** Lets a Node or Deno process end before the timer does. */
function unref(timer: unknown): void {
  const { Deno } = globalThis as { Deno?: { unrefTimer(timer: unknown): void } };
  if (typeof timer === "number") Deno?.unrefTimer(timer);
  else (timer as { unref?(): void }).unref?.();
}
