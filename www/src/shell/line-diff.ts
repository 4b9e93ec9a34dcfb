/** Line diff of two texts, in hunks with context lines. */

import { structuredPatch } from "diff";

/** Changed lines that are close together, with their context. */
export interface Hunk {
  /** First line in the new text. */
  line: number;
  /** Number of lines in the new text. */
  count: number;
  lines: DiffLine[];
}

/** A line of a hunk. */
export interface DiffLine {
  kind: "added" | "removed" | "same";
  text: string;
}

/** Differences between two texts. */
export interface LineDiff {
  hunks: Hunk[];
  /** Number of lines left out of `hunks`. */
  omitted: number;
}

/** Returns the differences between two texts, at most `maxLines` lines of them. */
export function diffLines(before: string, after: string, maxLines = 500): LineDiff {
  if (before === after) return { hunks: [], omitted: 0 };
  const { old, now, skipped } = withoutCommonEnds(before.split("\n"), after.split("\n"));
  const patch = structuredPatch("", "", joined(old), joined(now), undefined, undefined, {
    context: CONTEXT,
    maxEditLength: MAX_EDITS,
  });
  const hunks = patch === undefined ? [replaced(old, now)] : patch.hunks.map(({ newStart, newLines, lines }) => ({
    line: newStart,
    count: newLines,
    lines: lines.flatMap(lineOf),
  }));
  let room = maxLines;
  const shown: Hunk[] = [];
  for (const hunk of hunks) {
    if (room <= 0) break;
    shown.push({ ...hunk, line: hunk.line + skipped, lines: hunk.lines.slice(0, room) });
    room -= hunk.lines.length;
  }
  return { hunks: shown, omitted: Math.max(0, -room) + sum(hunks.slice(shown.length).map(({ lines }) => lines.length)) };
}

/** Number of unchanged lines shown around a change. */
const CONTEXT = 3;
/** Number of changed lines above which the whole old text is shown as replaced by the new text. */
const MAX_EDITS = 3000;

/** Returns the lines between the common start and the common end of both texts, with context. */
function withoutCommonEnds(old: readonly string[], now: readonly string[]) {
  const least = Math.min(old.length, now.length);
  let start = 0;
  while (start < least && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < least - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const skipped = Math.max(0, start - CONTEXT);
  const spared = Math.max(0, end - CONTEXT);
  return { old: old.slice(skipped, old.length - spared), now: now.slice(skipped, now.length - spared), skipped };
}

/** Joins lines and ends the last line too, so that a missing newline is not a difference. */
function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function lineOf(line: string): DiffLine[] {
  const kind = KINDS[line.charAt(0)];
  return kind === undefined ? [] : [{ kind, text: line.slice(1) }];
}

const KINDS: Record<string, DiffLine["kind"]> = { "+": "added", "-": "removed", " ": "same" };

function replaced(old: readonly string[], now: readonly string[]): Hunk {
  const lines = (kind: DiffLine["kind"]) => (text: string): DiffLine => ({ kind, text });
  return { line: 1, count: now.length, lines: [...old.map(lines("removed")), ...now.map(lines("added"))] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
