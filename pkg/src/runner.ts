/** Carries out what the steps of a pool ask for: writes, refreshes and wake-ups. It decides nothing. */

import type { CredentialPool } from "./credential_pool.js";
import type { Store } from "./store.js";
import type {
  Event, HttpRequest, Intent, Millis, PersistIntent, RefreshIntent, RefreshOutcome, Step, Wake,
} from "./types.js";

/** What a runner works with. */
export interface Tools {
  readonly store: Store;
  readonly fetch: typeof fetch;
  readonly now: () => Millis;
  readonly onEvent: (event: Event) => void;
  readonly onProblem: (problem: unknown) => void;
}

export class Runner {
  readonly #core: CredentialPool;
  readonly #key: string;
  readonly #tools: Tools;
  readonly #endWatch: () => void;
  readonly #queue: { readonly intent: PersistIntent; readonly ended: (isSaved: boolean) => void }[] = [];
  #writing: Promise<void> | undefined;
  /** Why the last write failed; nothing if it did not. */
  #failure: { readonly error: unknown } | undefined;
  /** What is under way, by credential. */
  readonly #refreshes = new Map<string, Promise<void>>();
  #wakeAt: Millis | undefined;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #isOpen = true;

  constructor(core: CredentialPool, tools: Tools) {
    this.#core = core;
    this.#key = core.key();
    this.#tools = tools;
    this.#endWatch = tools.store.watch(this.#key, ({ stored }) => void this.take(core.sync(stored)));
  }

  /** Whether there are changes that were to be written and are not yet. */
  get isUnsaved(): boolean {
    return this.#writing !== undefined || this.#failure !== undefined;
  }

  /** Starts what a step asks for, and answers its value. */
  take<T>(step: Step<T>): T {
    void this.carryOut(step);
    return step.value;
  }

  /** Carries out what a step asks for; answers whether all it wanted written is. */
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
   * Ends all work, and writes what is unsaved.
   *
   * @throws What the store says if that cannot be written; it may be tried again.
   */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#alarm);
    this.#endWatch();
    while (this.#refreshes.size > 0) await Promise.all(this.#refreshes.values());
    this.take(this.#core.flush());
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** All of a step but its refreshes. */
  async #write({ intents, events, wake }: Step<unknown>): Promise<boolean> {
    const { onEvent } = this.#tools;
    // A listener that throws must not end what others wait for.
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
      // The newest holds all that is unsaved in the others.
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
      await this.#tools.store.commit(this.#key, changes);
      return undefined;
    } catch (error) {
      this.#tell(error);
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

  /** Of all hosts that share the store one spends the token, and the others take in what it got. */
  async #refresh(intent: RefreshIntent): Promise<void> {
    const { store } = this.#tools;
    let next: RefreshIntent | undefined = intent;
    let isClaimed = true;
    const underLock = async (): Promise<void> => {
      await this.#write(this.#core.sync((await store.read(this.#key)).stored));
      while (next !== undefined) {
        const step = this.#core.claim(next.id);
        // A request that others cannot know of is not sent.
        isClaimed = (await this.#write(step)) && isClaimed;
        if (step.value.type === "gone") return void (next = undefined);
        next = await this.#settle(next, isClaimed ? await this.#send(step.value.request) : UNREACHABLE);
      }
    };
    try {
      await store.lock(`refresh ${this.#key} ${intent.credential}`, underLock, { waitMs: LONGEST_REFRESH_MS });
    } catch (error) {
      this.#tell(error);
      while (next !== undefined) next = await this.#settle(next, UNREACHABLE);
    }
  }

  /** Settles a request, writes what came of it, and answers the one that follows it. */
  async #settle({ id }: RefreshIntent, outcome: RefreshOutcome): Promise<RefreshIntent | undefined> {
    const step = this.#core.settle(id, outcome);
    await this.#write(step);
    return step.intents.find(isRefresh);
  }

  async #send({ method, url, headers, body, timeoutMs }: HttpRequest): Promise<RefreshOutcome> {
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await this.#tools.fetch(url, { method, headers, body, signal, redirect: "manual" });
      const { status } = response;
      // Browsers show nothing of a redirect.
      if (status === 0) return UNREACHABLE;
      // A body that breaks off is an answer all the same: the refresh token may be spent.
      return { type: "response", status, headers: response.headers, body: await response.text().catch(() => "") };
    } catch {
      return UNREACHABLE;
    }
  }

  #schedule(wake: Wake | null): void {
    if (!this.#isOpen || wake?.at === this.#wakeAt) return;
    clearTimeout(this.#alarm);
    this.#wakeAt = wake?.at;
    if (wake === null) return;
    const ring = (): void => {
      this.#wakeAt = undefined;
      this.take(this.#core.tick());
    };
    this.#alarm = setTimeout(ring, Math.min(Math.max(wake.at - this.#tools.now(), 0), LONGEST_TIMER_MS));
    unref(this.#alarm);
  }

  #tell(problem: unknown): void {
    const { onProblem } = this.#tools;
    queueMicrotask(() => onProblem(problem));
  }
}

/** What a timer can wait for at most, in milliseconds. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How long another host's refresh is waited for: its requests, its writes, and a lock that it left behind. */
const LONGEST_REFRESH_MS = 60_000;

const UNREACHABLE: RefreshOutcome = { type: "unreachable" };

const isPersist = (intent: Intent): intent is PersistIntent => intent.type === "persist";
const isRefresh = (intent: Intent): intent is RefreshIntent => intent.type === "refresh";

/** Lets the process end before the timer does, where there are processes. */
function unref(timer: unknown): void {
  const { Deno } = globalThis as { Deno?: { unrefTimer(timer: unknown): void } };
  if (typeof timer === "number") Deno?.unrefTimer(timer);
  else (timer as { unref?(): void }).unref?.();
}
