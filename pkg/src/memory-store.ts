/** A store in memory, for tests and for hosts that live shortly. */

import { emptyDocument } from "./credential_pool.js";
import { Listeners } from "./listeners.js";
import { type LockOptions, type Store, WAIT_MS } from "./store.js";
import { readingOf, withChanges } from "./stored-text.js";
import { Turns } from "./turns.js";
import type { Change, Reading } from "./types.js";

/** What all stores over one document share. */
interface Memory {
  text: string;
  readonly turns: Turns;
  readonly listeners: Set<Listeners>;
}

/** A document in memory. Nothing of it survives the process. */
export class MemoryStore implements Store {
  readonly #memory: Memory;
  readonly #listeners = new Listeners();

  /**
   * @param document The document's text, or a store whose document this one shares, as a second host would: each is
   *   told of what the other writes.
   */
  constructor(document: string | MemoryStore = emptyDocument()) {
    const shared = typeof document === "string" ? undefined : document.#memory;
    this.#memory = shared ?? { text: String(document), turns: new Turns(), listeners: new Set() };
  }

  /** The document. */
  get text(): string {
    return this.#memory.text;
  }

  async read(key: string): Promise<Reading> {
    const reading = readingOf(this.text, key, PLACE);
    this.#listeners.read(key, reading);
    return reading;
  }

  async commit(key: string, changes: readonly Change[]): Promise<void> {
    const before = this.text;
    const after = withChanges(before, key, changes, PLACE);
    this.#memory.text = after;
    for (const listeners of this.#memory.listeners) {
      if (listeners === this.#listeners) listeners.wrote(before, after);
      else listeners.changed(after);
    }
  }

  watch(key: string, onChange: (reading: Reading) => void): () => void {
    this.#memory.listeners.add(this.#listeners);
    const end = this.#listeners.add(key, onChange);
    this.#listeners.changed(this.text);
    return () => {
      end();
      if (this.#listeners.isEmpty) this.#memory.listeners.delete(this.#listeners);
    };
  }

  lock<T>(name: string, action: () => Promise<T>, { waitMs = WAIT_MS }: LockOptions = {}): Promise<T> {
    return this.#memory.turns.take(name, waitMs, action);
  }
}

const PLACE = "the document in memory";
