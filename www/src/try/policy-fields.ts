/** Policy fields that the simulator offers as inputs. */

import type { ResolvedPolicy } from "credential-pool/types";
import type { Policy } from "../document/core-reader";

/** One field of a policy. */
export interface PolicyField {
  path: readonly string[];
  label: string;
  /** Factor from the unit of the input to the unit of the policy (ms, or 1 for a number); null for a checkbox. */
  unit: number | null;
  /** Meaning of an empty input; absent if the input must not be empty. */
  empty?: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** All offered fields. */
export const POLICY_FIELDS: readonly PolicyField[] = [
  { path: ["patience_ms"], label: "Patience of a request, s", unit: SECOND },
  { path: ["failures", "rate_limited", "cooldown_ms"], label: "First cooldown after a rate limit, s", unit: SECOND, empty: "1 h" },
  { path: ["failures", "quota", "cooldown_ms"], label: "First cooldown after a used-up quota, min", unit: MINUTE, empty: "1 h or 24 h" },
  { path: ["failures", "quota", "probe_interval_ms"], label: "Probe interval during it, min", unit: MINUTE, empty: "never" },
  { path: ["sole_cooldown_ms"], label: "Cooldown of a sole credential, max. s", unit: SECOND, empty: "no limit" },
  { path: ["max_in_flight", "hard"], label: "Requests in flight per credential", unit: 1, empty: "no limit" },
  { path: ["failures", "rate_limited", "hints"], label: "Trust the provider's Retry-After", unit: null },
  { path: ["half_open"], label: "One probe goes first after a cooldown", unit: null },
];

/** Returns the value of a field in the unit of its input; null for an empty input. */
export function valueOf(policy: ResolvedPolicy, { path, unit }: PolicyField): number | boolean | null {
  const value = at(policy, path);
  if (typeof value === "number") return value / (unit ?? 1);
  return typeof value === "boolean" ? value : null;
}

/** Returns the policy with a new value of a field. A value equal to that of `preset` is left out. */
export function withValue(
  policy: Policy,
  preset: ResolvedPolicy,
  { path, unit }: PolicyField,
  value: number | boolean | null,
): Policy {
  const stored = typeof value === "number" ? Math.round(value * (unit ?? 1)) : value;
  return set(policy as Tree, path, stored === at(preset, path) ? undefined : stored) as Policy;
}

/** Returns the number of values that differ from the preset. */
export function countDifferences({ preset: _, ...policy }: Policy): number {
  return leaves(policy);
}

type Tree = { [name: string]: unknown };

function leaves(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, below) => sum + leaves(below), 0);
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((tree, name) => (tree as Tree | undefined)?.[name], value);
}

/** Returns a copy with a value at a path, or without it if `value` is undefined. Objects that become empty are removed. */
function set(tree: Tree, [name, ...below]: readonly string[], value: unknown): Tree {
  if (name === undefined) return tree;
  const { [name]: old, ...others } = tree;
  if (below.length === 0) return value === undefined ? others : { ...others, [name]: value };
  const changed = set((old as Tree | undefined) ?? {}, below, value);
  return Object.keys(changed).length === 0 ? others : { ...others, [name]: changed };
}
