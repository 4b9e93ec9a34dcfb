/** What people see on a terminal. */

import process from "node:process";

import type { Entry, State } from "../node.js";

/** What a command answers: to scripts and to people. */
export interface Answer {
  data: unknown;
  lines: string[];
  exit?: 1;
}

/** Columns side by side; the last one is as long as it likes. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => length(row[column] ?? ""))));
  const padded = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - length(cell));
  return rows.map((row) => row.map(padded).join("  ").trimEnd());
}

/** How a credential is doing, in few words. */
export function stateOf(state: State, now: number): string {
  const left = state.type !== "exhausted" || state.until === null ? "" : `, ${duration(state.until - now)} left`;
  return paint(COLOURS[state.type], `${conditionOf(state)}${left}`);
}

/** How a credential is doing, without until when. */
export function conditionOf(state: State): string {
  return state.type === "exhausted" ? REST[state.reason] : state.type;
}

const COLOURS = { available: "green", exhausted: "yellow", dead: "red" } as const;

const REST: Record<Extract<State, { type: "exhausted" }>["reason"], string> = {
  failed: "cooling_down",
  expired: "expired",
  unreachable: "not refreshed",
  no_secret: "no key",
};

/** The two largest units of a time, rounded up so that nobody comes too early. */
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

/** An entry as it may be shown: an address may hold a password. */
export function shown(entry: Entry): Entry {
  return { ...entry, baseUrl: entry.baseUrl?.replace(/\/\/[^/?#]*@/, "//***@").replace(/\?.*/s, "?***") ?? null };
}

/** A text of the document that cannot play tricks with a terminal. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, "�");
}

export function heading(text: string): string {
  return paint("bold", text);
}

export function paint(style: keyof typeof STYLES, text: string): string {
  // Knows of NO_COLOR and of terminals without colours.
  return process.stdout.isTTY && process.stdout.hasColors() ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
}

const STYLES = { bold: 1, red: 31, green: 32, yellow: 33 };

function length(cell: string): number {
  return [...cell.replace(/\u001b\[\d+m/g, "")].length;
}

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
