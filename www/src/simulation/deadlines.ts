/** Deadlines in order: a binary heap by time. Deadlines of the same time keep their order of entry. */

import type { Millis } from "credential-pool/types";

interface Entry<T> {
  at: Millis;
  order: number;
  value: T;
}

/** Queue of values by deadline. */
export class DeadlineQueue<T> {
  readonly #heap: Entry<T>[] = [];
  #order = 0;

  /** Time of the earliest deadline; Infinity if there is none. */
  get nextAt(): Millis {
    return this.#heap[0]?.at ?? Infinity;
  }

  add(at: Millis, value: T): void {
    const heap = this.#heap;
    const entry = { at, order: this.#order++, value };
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (!parent || isBefore(parent, entry)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  /** Removes the earliest deadline and returns its value. */
  take(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first?.value;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (!left) break;
      let child = left;
      if (right && isBefore(right, left)) [child, below] = [right, below + 1];
      if (isBefore(last, child)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
    return first.value;
  }
}

function isBefore(one: Entry<unknown>, other: Entry<unknown>): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
