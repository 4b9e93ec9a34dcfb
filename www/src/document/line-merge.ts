/** Three-way merge of texts by lines. */

import { diffArrays } from "diff";

/**
 * Returns a text with two changes of one base; null if the changes overlap. Changes of neighbouring lines overlap,
 * unless they are equal.
 */
export function mergeLines(base: string, ours: string, theirs: string): string | null {
  if (ours === base || ours === theirs) return theirs;
  if (theirs === base) return ours;
  const lines = linesOf(base);
  const [mine, other] = [hunksOf(lines, linesOf(ours)), hunksOf(lines, linesOf(theirs))];
  if (mine === null || other === null) return null;
  const merged: string[] = [];
  let at = 0;
  for (const hunk of inOrder(mine, other)) {
    if (hunk === null) return null;
    merged.push(...lines.slice(at, hunk.from), ...hunk.lines);
    at = hunk.to;
  }
  return [...merged, ...lines.slice(at)].join("\n");
}

/** Lines of the base that a change replaces. */
interface Hunk {
  from: number;
  to: number;
  lines: readonly string[];
}

/** Yields the hunks of both changes in the order of the base, equal hunks once; null where they overlap. */
function* inOrder(mine: readonly Hunk[], other: readonly Hunk[]): Generator<Hunk | null> {
  let [i, j] = [0, 0];
  for (;;) {
    const [one, two] = [mine[i], other[j]];
    if (one === undefined && two === undefined) return;
    if (one !== undefined && two !== undefined && one.from <= two.to && two.from <= one.to) {
      const isEqual = one.from === two.from && one.to === two.to && one.lines.join("\n") === two.lines.join("\n");
      if (!isEqual) return yield null;
      [i, j] = [i + 1, j + 1];
      yield one;
    } else if (two === undefined || (one !== undefined && one.from < two.from)) {
      i += 1;
      yield one!;
    } else {
      j += 1;
      yield two;
    }
  }
}

/** Number of changed lines above which texts are not merged. */
const MAX_EDITS = 3000;

function hunksOf(before: string[], after: string[]): Hunk[] | null {
  const parts = diffArrays(before, after, { maxEditLength: MAX_EDITS });
  if (parts === undefined) return null;
  const hunks: Hunk[] = [];
  let at = 0;
  let isOpen = false;
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      at += value.length;
      isOpen = false;
      continue;
    }
    const hunk = isOpen ? hunks.at(-1)! : { from: at, to: at, lines: [] };
    if (!isOpen) hunks.push(hunk);
    isOpen = true;
    if (removed) hunk.to = at += value.length;
    else hunk.lines = [...hunk.lines, ...value];
  }
  return hunks;
}

function linesOf(text: string): string[] {
  return text.split("\n");
}
