/** Commands for a pool's strategy and policy. */

import { readFile } from "node:fs/promises";

import { readPolicy, type Policy, type Strategy } from "credential-pool";

import type { Location } from "./document.js";
import { codeOf, misuse } from "./failure.js";
import { type Output, printable } from "./output.js";
import { openExisting, save } from "./pools.js";

/** Description of each strategy. */
export const STRATEGIES: Record<Strategy, string> = {
  fill_first: "the first credential, until it cools down",
  round_robin: "in turn",
  random: "at random, by weight",
  least_used: "the least used credential",
  least_in_flight: "the credential with the fewest requests under way",
};

/** `strategy`: shows or sets the order in which credentials are chosen. */
export async function strategy(location: Location, key: string, name: string | undefined): Promise<Output> {
  const { pool, step } = openExisting(await location.read(), key);
  // The pool checks the name.
  if (name !== undefined) await save(location, pool, step, pool.setStrategy(name as Strategy));
  return { data: { pool: pool.key(), strategy: pool.strategy() }, lines: [pool.strategy()] };
}

/** `policy`: shows or sets the effect of failures. */
export async function policy(location: Location, key: string, given: string | undefined): Promise<Output> {
  const { pool, step } = openExisting(await location.read(), key);
  if (given !== undefined) await save(location, pool, step, pool.setPolicy(await parsed(given)));
  const now = pool.policy();
  return {
    data: { pool: pool.key(), policy: now, resolved: readPolicy(now) },
    lines: JSON.stringify(now, null, 2).split("\n").map(printable),
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
    const message = `the file of the policy cannot be read (${codeOf(error)}): correct the path after the @`;
    throw misuse("invalid_policy", message);
  }
}
