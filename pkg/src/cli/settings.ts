/** Commands that show or set how a pool decides. */

import { readFile } from "node:fs/promises";

import { readPolicy, type Policy, type Strategy } from "../node.js";
import type { Place } from "./document.js";
import { misuse } from "./failure.js";
import { openKnown, save } from "./opened.js";
import { type Answer, plain } from "./show.js";

/** What the strategies do. */
export const STRATEGIES: Record<Strategy, string> = {
  fill_first: "the first one, until it has to rest",
  round_robin: "one after the other",
  random: "any of them",
  least_used: "the one that was used least",
  least_in_flight: "the one with the fewest requests under way",
};

/** `strategy`: how the next credential is chosen. */
export async function strategy(place: Place, key: string, name: string | undefined): Promise<Answer> {
  const { pool, step } = openKnown(await place.read(), key);
  // The pool knows the names.
  if (name !== undefined) await save(place, pool, step, pool.setStrategy(name as Strategy));
  return { data: { pool: pool.key(), strategy: pool.strategy() }, lines: [pool.strategy()] };
}

/** `policy`: how failures are judged. */
export async function policy(place: Place, key: string, given: string | undefined): Promise<Answer> {
  const { pool, step } = openKnown(await place.read(), key);
  if (given !== undefined) await save(place, pool, step, pool.setPolicy(await parsed(given)));
  const now = pool.policy();
  return {
    data: { pool: pool.key(), policy: now, resolved: readPolicy(now) },
    lines: JSON.stringify(now, null, 2).split("\n").map(plain),
  };
}

async function parsed(given: string): Promise<Policy> {
  const text = given.startsWith("@") ? await textOf(given.slice(1)) : given;
  try {
    return JSON.parse(text) as Policy;
  } catch {
    throw misuse("invalid_policy", `the policy is no JSON: give an object such as '{"preset":"reference"}', or @FILE`);
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw misuse("invalid_policy", `the file of the policy cannot be read${code}: correct the path after the @`);
  }
}
