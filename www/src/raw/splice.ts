/** Smallest single replacement that turns one text into another. */

import type { Span } from "../document/core-editor";

/** Returns the replaced range of `before` and the text that replaces it. */
export function spliceOf(before: string, after: string): Span & { insert: string } {
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before.charCodeAt(from) === after.charCodeAt(from)) from += 1;
  // A surrogate pair is not split.
  if (from > 0 && isHighSurrogate(before.charCodeAt(from - 1))) from -= 1;
  let same = 0;
  while (
    same < most - from && before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)
  ) same += 1;
  if (same > 0 && isHighSurrogate(before.charCodeAt(before.length - same - 1))) same -= 1;
  return { from, to: before.length - same, insert: after.slice(from, after.length - same) };
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}
