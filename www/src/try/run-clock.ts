/** Formats of “Try it”: times on the clock of a run, durations, counts. */

import type { Millis } from "../document/core-reader";

const SECOND = 1000;

/** Formats a time as time since the start of the run: `1:02:03`. */
export function clock(at: Millis, startsAt: Millis): string {
  const seconds = Math.floor((at - startsAt) / SECOND);
  return `${Math.floor(seconds / 3600)}:${twoDigits(Math.floor(seconds / 60) % 60)}:${twoDigits(seconds % 60)}`;
}

/** Formats a duration with at most one decimal: `45 s`, `12 min`, `3.5 h`. */
export function shortDuration(millis: Millis): string {
  if (millis < 90 * SECOND) return `${rounded(millis / SECOND)} s`;
  if (millis < 5400 * SECOND) return `${rounded(millis / 60 / SECOND)} min`;
  return `${rounded(millis / 3600 / SECOND)} h`;
}

/** Returns a text of the core with its dates replaced by times on the clock of the run. */
export function onClock(text: string, startsAt: Millis): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (date) => clock(Date.parse(date), startsAt));
}

/** Formats a count with separators of thousands. */
export function count(number: number): string {
  return number.toLocaleString("en");
}

function rounded(number: number): string {
  return number < 10 ? String(Math.round(number * 10) / 10) : String(Math.round(number));
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
