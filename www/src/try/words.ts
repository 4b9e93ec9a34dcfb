/** What the simulator says: names, one-line explanations, times. */

import type { Millis, Strategy } from "../core";

/** What each strategy does, in one line. */
export const STRATEGIES: Record<Strategy, string> = {
  fill_first: "The first one serves all, until it rests; then the next.",
  round_robin: "Each in its turn.",
  random: "Any of them by chance, by its weight.",
  least_used: "The one that was used least so far, by the document's counts.",
  least_in_flight: "The one with the fewest requests under way.",
};

/** What each preset does, in one line. */
export const PRESETS = {
  adaptive: "CoolingDown as long as the provider says, else short and longer each time.",
  reference: "CoolingDown an hour after HTTP 429, and a day after most other failures.",
} as const;

const SECOND = 1000;

/** A moment on the clock of a run, counted from its beginning: `1:02:03`. */
export function clock(at: Millis, startsAt: Millis): string {
  const seconds = Math.floor((at - startsAt) / SECOND);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** A length of time: `45 s`, `12 min`, `3.5 h`. */
export function length(millis: Millis): string {
  if (millis < 90 * SECOND) return `${tidy(millis / SECOND)} s`;
  if (millis < 5400 * SECOND) return `${tidy(millis / 60 / SECOND)} min`;
  return `${tidy(millis / 3600 / SECOND)} h`;
}

/** A text of the core, with its dates as moments on the run's clock. */
export function onClock(text: string, startsAt: Millis): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (date) => clock(Date.parse(date), startsAt));
}

/** A number with its thousands apart. */
export function count(number: number): string {
  return number.toLocaleString("en");
}

function tidy(number: number): string {
  return number < 10 ? String(Math.round(number * 10) / 10) : String(Math.round(number));
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
