/** Output of commands on a terminal. */

import process from "node:process";

import type { Entry, State } from "credential-pool";

/** Output of a command. */
export interface Output {
  /** For scripts, as JSON. */
  data: unknown;
  /** For people. */
  lines: string[];
  /** Exit code, if it is not 0. */
  exit?: 1;
}

/** Returns rows of cells as aligned lines; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => length(row[column] ?? ""))));
  const padded = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - length(cell));
  return rows.map((row) => row.map(padded).join("  ").trimEnd());
}

/** Returns a credential's state and the time left in it, in colour. */
export function stateWithTime(state: State, now: number): string {
  const left = "until" in state ? `, ${duration(state.until - now)} left` : "";
  return styled(STATES[state.type].colour, `${stateName(state)}${left}`);
}

/** Returns the name of a credential's state. */
export function stateName(state: State): string {
  return STATES[state.type].name;
}

/** Names and colours: yellow states end by themselves, red states need a person. */
const STATES = {
  available: { name: "available", colour: "green" },
  cooling_down: { name: "cooling down", colour: "yellow" },
  unreachable: { name: "not refreshed", colour: "yellow" },
  expired: { name: "expired", colour: "red" },
  no_secret: { name: "no key", colour: "red" },
  unusable_secret: { name: "unusable key", colour: "red" },
  dead: { name: "dead", colour: "red" },
} as const satisfies Record<State["type"], { name: string; colour: string }>;

/**
 * Returns a duration in its two largest units, rounded up so that a person who waits for it does not come too early.
 */
export function duration(ms: number): string {
  let seconds = Math.max(Math.ceil(ms / 1000), 0);
  if (seconds >= 3600) seconds = Math.ceil(seconds / 60) * 60;
  const parts = UNITS.map(([name, size, most]) => [name, Math.floor(seconds / size) % most] as const);
  const first = parts.findIndex(([, count]) => count > 0);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([, count]) => count > 0);
  return shown.map(([name, count]) => `${count} ${name}`).join(" ");
}

const UNITS = [["d", 86_400, Infinity], ["h", 3600, 24], ["min", 60, 60], ["s", 1, 60]] as const;

/** Returns an entry without the user, password and query of its base URL, which may contain secrets. */
export function withoutUrlSecrets(entry: Entry): Entry {
  return { ...entry, baseUrl: entry.baseUrl?.replace(/\/\/[^/?#]*@/, "//***@").replace(/\?.*/s, "?***") ?? null };
}

/** Returns a text without control and bidirectional characters, which could manipulate a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, "�");
}

export function heading(text: string): string {
  return styled("bold", text);
}

export function styled(style: keyof typeof STYLES, text: string): string {
  // `hasColors` honours NO_COLOR and terminals without colours.
  return process.stdout.isTTY && process.stdout.hasColors() ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}

const STYLES = { bold: 1, red: 31, green: 32, yellow: 33 };

function length(cell: string): number {
  return [...cell.replace(/\u001b\[\d+m/g, "")].length;
}

/** Returns a count with its noun. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
