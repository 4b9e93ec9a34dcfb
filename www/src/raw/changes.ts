/** What differs between two texts, line by line. */

import { structuredPatch } from "diff";

/** Lines that stand together. */
export interface Hunk {
  /** The first line and how many, in the text as it will be. */
  line: number;
  count: number;
  lines: Line[];
}

/** A line, and what becomes of it. */
export interface Line {
  kind: "added" | "removed" | "same";
  text: string;
}

/** What differs. */
export interface Changes {
  hunks: Hunk[];
  /** Lines that are not in `hunks`, because there were too many. */
  left: number;
}

/** What is to be done to turn one text into the other, at most so many lines of it. */
export function changesOf(before: string, after: string, most = 500): Changes {
  if (before === after) return { hunks: [], left: 0 };
  const { old, now, skipped } = withoutEnds(before.split("\n"), after.split("\n"));
  const patch = structuredPatch("", "", joined(old), joined(now), undefined, undefined, {
    context: CONTEXT,
    maxEditLength: MOST_EDITS,
  });
  const hunks = patch === undefined ? [replaced(old, now)] : patch.hunks.map(({ newStart, newLines, lines }) => ({
    line: newStart,
    count: newLines,
    lines: lines.flatMap(lineOf),
  }));
  let room = most;
  const shown: Hunk[] = [];
  for (const hunk of hunks) {
    if (room <= 0) break;
    shown.push({ ...hunk, line: hunk.line + skipped, lines: hunk.lines.slice(0, room) });
    room -= hunk.lines.length;
  }
  return { hunks: shown, left: Math.max(0, -room) + sum(hunks.slice(shown.length).map(({ lines }) => lines.length)) };
}

const CONTEXT = 3;
/** Texts that differ in more lines than this are shown as one replaced by the other. */
const MOST_EDITS = 3000;

/** The lines between those that are alike at both ends, with a few of them around. */
function withoutEnds(old: readonly string[], now: readonly string[]) {
  const least = Math.min(old.length, now.length);
  let start = 0;
  while (start < least && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < least - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const skipped = Math.max(0, start - CONTEXT);
  const spared = Math.max(0, end - CONTEXT);
  return { old: old.slice(skipped, old.length - spared), now: now.slice(skipped, now.length - spared), skipped };
}

/** With an end to the last line, which is then no difference of its own. */
function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function lineOf(line: string): Line[] {
  const kind = KINDS[line.charAt(0)];
  return kind === undefined ? [] : [{ kind, text: line.slice(1) }];
}

const KINDS: Record<string, Line["kind"]> = { "+": "added", "-": "removed", " ": "same" };

function replaced(old: readonly string[], now: readonly string[]): Hunk {
  const lines = (kind: Line["kind"]) => (text: string): Line => ({ kind, text });
  return { line: 1, count: now.length, lines: [...old.map(lines("removed")), ...now.map(lines("added"))] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
