/** Carries out the intents of a pool's steps (writes, refreshes) and its wake-ups. Decides nothing. */

import type { CredentialPool } from "../credential_pool.js";
import type {
  Event, HttpRequest, Intent, Millis, PersistIntent, RefreshIntent, RefreshOutcome, Step, Wake,
} from "../core/types.js";
import type { Store } from "../stores/store.js";

/** The host's IO and callbacks. */
export interface RunnerOptions {
  readonly store: Store;
  readonly fetch: typeof fetch;
  readonly now: () => Millis;
  readonly onEvent: (event: Event) => void;
  readonly onProblem: (problem: unknown) => void;
}

export class Runner {
  readonly #core: CredentialPool;
  readonly #key: string;
  readonly #options: RunnerOptions;
  readonly #endWatch: () => void;
  readonly #queue: { readonly intent: PersistIntent; readonly ended: (isSaved: boolean) => void }[] = [];
  #writing: Promise<void> | undefined;
  /** Error of the last write; undefined if it succeeded. */
  #failure: { readonly error: unknown } | undefined;
  /** Refreshes under way, by credential. */
  readonly #refreshes = new Map<string, Promise<void>>();
  #wakeAt: Millis | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOpen = true;

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
   * @throws The store's error if the changes cannot be written; `close` may be called again.
   */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#endWatch();
    while (this.#refreshes.size > 0) await Promise.all(this.#refreshes.values());
    this.take(this.#core.flush());
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Carries out a step except for its refreshes. */
  async #write({ intents, events, wake }: Step<unknown>): Promise<boolean> {
    const { onEvent } = this.#options;
    // A callback that throws must not end the work of other callers.
    for (const event of events) queueMicrotask(() => onEvent(event));
    this.#schedule(wake);
    const writes = intents.filter(isPersist).map((intent) => {
      const end = new Promise<boolean>((ended) => this.#queue.push({ intent, ended }));
      this.#writing ??= this.#writeQueue();
      return end;
    });
    return (await Promise.all(writes)).every((isSaved) => isSaved);
  }

  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      const waiting = this.#queue.splice(0);
      // The newest intent contains the unsaved changes of the others.
      this.#failure = await this.#commit(waiting.at(-1)?.intent.changes ?? []);
      const type = this.#failure === undefined ? "saved" : "failed";
      for (const { intent, ended } of waiting) {
        this.take(this.#core.settle(intent.id, { type }));
        ended(type === "saved");
      }
    }
    this.#writing = undefined;
  }

  async #commit(changes: PersistIntent["changes"]): Promise<{ error: unknown } | undefined> {
    try {
      await this.#options.store.commit(this.#key, changes);
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
    let isClaimed = true;
    const underLock = async (): Promise<void> => {
      await this.#write(this.#core.sync((await store.read(this.#key)).stored));
      while (next !== undefined) {
        const step = this.#core.claim(next.id);
        // Without a written claim another host might spend the token as well.
        isClaimed = (await this.#write(step)) && isClaimed;
        if (step.value.type === "gone") return void (next = undefined);
        next = await this.#settle(next, isClaimed ? await this.#send(step.value.request) : UNREACHABLE);
      }
    };
    try {
      await store.lock(`refresh ${this.#key} ${intent.credential}`, underLock, { waitMs: REFRESH_WAIT_MS });
    } catch (error) {
      this.#reportProblem(error);
      while (next !== undefined) next = await this.#settle(next, UNREACHABLE);
    }
  }

  /** Settles a request and writes the changes. Returns the next request of the refresh; undefined if it is over. */
  async #settle({ id }: RefreshIntent, outcome: RefreshOutcome): Promise<RefreshIntent | undefined> {
    const step = this.#core.settle(id, outcome);
    await this.#write(step);
    return step.intents.find(isRefresh);
  }

  async #send({ method, url, headers, body, timeoutMs }: HttpRequest): Promise<RefreshOutcome> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await this.#options.fetch(url, { method, headers, body, signal, redirect: "manual" });
      const { status } = response;
      // Browsers return an opaque response with status 0 for a redirect.
      if (status === 0) return UNREACHABLE;
      // A broken body is still a response: the refresh token may be spent.
      return { type: "response", status, headers: response.headers, body: await response.text().catch(() => "") };
    } catch {
      return UNREACHABLE;
    }
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

  #reportProblem(problem: unknown): void {
    const { onProblem } = this.#options;
    queueMicrotask(() => onProblem(problem));
  }
}

/** Longest delay of `setTimeout`, in milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Longest wait for another host's refresh, in milliseconds: its requests, its writes, and a stale lock. */
const REFRESH_WAIT_MS = 60_000;

const UNREACHABLE: RefreshOutcome = { type: "unreachable" };

const isPersist = (intent: Intent): intent is PersistIntent => intent.type === "persist";
const isRefresh = (intent: Intent): intent is RefreshIntent => intent.type === "refresh";

/** Lets a Node or Deno process end before the timer does. */
function unref(timer: unknown): void {
  const { Deno } = globalThis as { Deno?: { unrefTimer(timer: unknown): void } };
  if (typeof timer === "number") Deno?.unrefTimer(timer);
  else (timer as { unref?(): void }).unref?.();
}
