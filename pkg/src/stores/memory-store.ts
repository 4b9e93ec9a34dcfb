/** A store in memory, for tests and for short-lived hosts. */

import { emptyDocument } from "../credential_pool.js";
import type { Change, Reading, Refusal } from "../core/types.js";
import { ChangeListeners } from "./change-listeners.js";
import { readingOf, withChanges } from "./document-text.js";
import { KeyedMutex } from "./keyed-mutex.js";
import { type LockOptions, type Store, WAIT_MS } from "./store.js";

/** State that all stores of one document share. */
interface SharedDocument {
  text: string;
  readonly locks: KeyedMutex;
  readonly watching: Set<ChangeListeners>;
}

/** A document in memory. It ends with the process. */
export class MemoryStore implements Store {
  readonly #shared: SharedDocument;
  readonly #listeners = new ChangeListeners();

  /**
   * @param document Text of the document, or a store whose document this store shares, as a second host would: each
   *   store is told of the other's writes.
   */
  constructor(document: string | MemoryStore = emptyDocument()) {
    const shared = typeof document === "string" ? undefined : document.#shared;
    this.#shared = shared ?? { text: String(document), locks: new KeyedMutex(), watching: new Set() };
  }

  /** Text of the document. */
  get text(): string {
    return this.#shared.text;
  }

  async read(key: string): Promise<Reading> {
    const reading = readingOf(this.text, key, PLACE);
    this.#listeners.read(key, reading);
    return reading;
  }

  async commit(key: string, changes: readonly Change[]): Promise<readonly Refusal[]> {
    const before = this.text;
    const { text: after, refused } = withChanges(before, key, changes, PLACE);
    this.#shared.text = after;
    for (const listeners of this.#shared.watching) {
      if (listeners === this.#listeners) listeners.wrote(before, after);
      else listeners.changed(after);
    }
    return refused;
  }

  watch(key: string, onChange: (reading: Reading) => void): () => void {
    this.#shared.watching.add(this.#listeners);
    const end = this.#listeners.add(key, onChange, undefined);
    this.#listeners.changed(this.text);
    return () => {
      end();
      if (this.#listeners.isEmpty) this.#shared.watching.delete(this.#listeners);
    };
  }

  lock<T>(name: string, action: () => Promise<T>, { waitMs = WAIT_MS }: LockOptions = {}): Promise<T> {
    return this.#shared.locks.run(name, waitMs, action);
  }
}

const PLACE = "the document in memory";
