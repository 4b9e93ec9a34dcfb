/** What is due, and when: a heap by time, and by order of entry where times are equal. */

import type { Millis } from "credential-pool/types";

interface Entry<T> {
  at: Millis;
  order: number;
  what: T;
}

export class DeadlineQueue<T> {
  readonly #heap: Entry<T>[] = [];
  #order = 0;

  /** When the first is due; Infinity if nothing is. */
  get nextAt(): Millis {
    return this.#heap[0]?.at ?? Infinity;
  }

  add(at: Millis, what: T): void {
    const heap = this.#heap;
    const entry = { at, order: this.#order++, what };
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

  /** Takes the first out. */
  take(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first?.what;
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
    return first.what;
  }
}

function isBefore(one: Entry<unknown>, other: Entry<unknown>): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
