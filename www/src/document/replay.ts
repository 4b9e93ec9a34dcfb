/** Carries out a person's steps on another text. */

import { CoreError, newSeed } from "./core-reader";
import { EditableDocument } from "./core-editor";
import { mergeLines } from "./line-merge";
import type { RefusedStep, Replay, Step } from "./step";

/** Returns the steps on a text; null if a change of the text overlaps with a change that the text has. */
export function replay(steps: readonly Step[], text: string): Replay | null {
  const done: Step[] = [];
  const refused: RefusedStep[] = [];
  let document: EditableDocument | null = null;
  try {
    for (const step of steps) {
      let after: string;
      if (step.edit === undefined) {
        const merged = mergeLines(step.before, step.after ?? step.before, text);
        if (merged === null || isBroken(merged, step.after ?? "", text)) return null;
        document?.[Symbol.dispose]();
        document = null;
        after = merged;
      } else {
        try {
          document ??= EditableDocument.open(text, newSeed());
        } catch (error) {
          // Edits of pools wait until the text is a document again.
          if (error instanceof CoreError) return null;
          throw error;
        }
        try {
          document.edit(step.edit.key, step.edit.edit);
        } catch (error) {
          if (!(error instanceof CoreError)) throw error;
          refused.push({ what: step.what, error });
          continue;
        }
        after = document.text();
      }
      done.push({ ...step, before: text, after });
      text = after;
    }
  } finally {
    document?.[Symbol.dispose]();
  }
  return { steps: done, refused };
}

/** Returns a text with the secrets that other programs renewed since `base`. */
export function withRenewedSecrets(text: string, base: string, theirs: string): string {
  let document: EditableDocument | null = null;
  try {
    document = EditableDocument.open(text, newSeed());
    document.keepRenewedSecrets(base, theirs);
    return document.text();
  } catch (error) {
    // A text that is no document has no credentials to renew.
    if (error instanceof CoreError) return text;
    throw error;
  } finally {
    document?.[Symbol.dispose]();
  }
}

/** Returns whether a merge of two documents is none. */
function isBroken(merged: string, ours: string, theirs: string): boolean {
  return isDocument(ours) && isDocument(theirs) && !isDocument(merged);
}

function isDocument(text: string): boolean {
  try {
    EditableDocument.open(text, newSeed())[Symbol.dispose]();
    return true;
  } catch (error) {
    if (error instanceof CoreError) return false;
    throw error;
  }
}
