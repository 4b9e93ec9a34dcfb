// Waits for conditions.

import { setTimeout } from "node:timers/promises";

/** Waits until a condition holds. A condition that throws does not hold yet. */
export async function until(holds) {
  for (let tries = 6_000; ; tries -= 1) {
    try {
      if (await holds()) return;
      if (tries === 0) throw new Error(`this did not come true: ${holds}`);
    } catch (error) {
      if (tries === 0) throw error;
    }
    await setTimeout(20);
  }
}
