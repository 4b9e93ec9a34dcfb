/** The fields of a policy that tell most, as inputs. */

import type { ResolvedPolicy } from "credential-pool/types";
import type { Policy } from "../core";

/** One field of a policy. */
export interface PolicyField {
  path: readonly string[];
  label: string;
  /** What one of its unit is in the policy's own: milliseconds, or 1; null for yes or no. */
  unit: number | null;
  /** What an empty input means, where it may be empty. */
  empty?: string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export const POLICY_FIELDS: readonly PolicyField[] = [
  { path: ["patience_ms"], label: "A request waits at most, s", unit: SECOND },
  { path: ["failures", "rate_limited", "cooldown_ms"], label: "First rest after a rate limit, s", unit: SECOND, empty: "1 h" },
  { path: ["failures", "quota", "cooldown_ms"], label: "First rest after a used-up quota, min", unit: MINUTE, empty: "1 h or 24 h" },
  { path: ["failures", "quota", "probe_interval_ms"], label: "Meanwhile tried every, min", unit: MINUTE, empty: "never" },
  { path: ["sole_cooldown_ms"], label: "The only one left rests at most, s", unit: SECOND, empty: "no limit" },
  { path: ["max_in_flight", "hard"], label: "Requests under way per credential", unit: 1, empty: "no limit" },
  { path: ["failures", "rate_limited", "hints"], label: "Believes how long the provider says", unit: null },
  { path: ["half_open"], label: "After a rest one request goes first", unit: null },
];

/** A field's value, in its unit; null for an empty input. */
export function valueOf(policy: ResolvedPolicy, { path, unit }: PolicyField): number | boolean | null {
  const value = at(policy, path);
  if (typeof value === "number") return value / (unit ?? 1);
  return typeof value === "boolean" ? value : null;
}

/** The policy with another value of a field; `preset` is what it differs from. */
export function withValue(
  policy: Policy,
  preset: ResolvedPolicy,
  { path, unit }: PolicyField,
  value: number | boolean | null,
): Policy {
  const stored = typeof value === "number" ? Math.round(value * (unit ?? 1)) : value;
  return set(policy as Tree, path, stored === at(preset, path) ? undefined : stored) as Policy;
}

/** How many values of a policy differ from its preset. */
export function differences({ preset: _, ...policy }: Policy): number {
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

/** A copy with a value at a path, or without it; what is empty then goes too. */
function set(tree: Tree, [name, ...below]: readonly string[], value: unknown): Tree {
  if (name === undefined) return tree;
  const { [name]: old, ...others } = tree;
  if (below.length === 0) return value === undefined ? others : { ...others, [name]: value };
  const changed = set((old as Tree | undefined) ?? {}, below, value);
  return Object.keys(changed).length === 0 ? others : { ...others, [name]: changed };
}
