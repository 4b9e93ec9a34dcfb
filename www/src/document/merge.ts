/** Merges a person's unsaved steps with the text that another program wrote. */

import { emptyDocument } from "./core-reader";
import type { Editing } from "./editing";
import { replay, withRenewedSecrets } from "./replay";
import type { RefusedStep, Step } from "./step";

/** Result of `merge`. */
export interface Merged {
  /** Whether the person's changes are now on top of the latest text; false if both changed one place. */
  isMerged: boolean;
  /** Steps that the latest text refused, such as the change of a credential that is gone. */
  refused: RefusedStep[];
}

/**
 * Carries out the person's unsaved steps again, on the text that another program wrote. The steps before them leave the
 * history.
 *
 * @param theirs The text that the place holds now.
 */
export function merge(editing: Editing, theirs: string): Merged {
  // A document that was emptied or deleted as a whole is a question, not a change to merge.
  if (isEmpty(theirs) && !isEmpty(editing.savedText)) return { isMerged: false, refused: [] };
  const replayed = replay(unsavedSteps(editing), theirs);
  if (replayed === null) return { isMerged: false, refused: [] };
  editing.rebase(theirs, { past: replayed.steps, future: [...editing.future] });
  return { isMerged: true, refused: replayed.refused };
}

/** Takes the text of another program. Undo brings the person's text back, with secrets that were renewed meanwhile. */
export function takeTheirs(editing: Editing, theirs: string): void {
  const before = withRenewedSecrets(editing.text, editing.savedText, theirs);
  editing.rebase(theirs, { past: [{ what: "taking the other version", before, after: theirs }] });
}

/** Keeps the person's text in place of another program's, with secrets that were renewed meanwhile. */
export function keepOurs(editing: Editing, theirs: string): void {
  const after = withRenewedSecrets(editing.text, editing.savedText, theirs);
  editing.rebase(theirs, { past: [{ what: "keeping your version", before: theirs, after }] });
}

/** Returns the steps after the saved text. After an undo of saved steps this is one change of the text. */
function unsavedSteps({ past, savedText, text }: Editing): readonly Step[] {
  if (text === savedText) return [];
  const first = past.findLastIndex(({ before }) => before === savedText);
  return first >= 0 ? past.slice(first) : [{ what: "your changes", before: savedText, after: text }];
}

/** Returns whether a text is empty, or a document without content. */
function isEmpty(text: string): boolean {
  return text === "" || text === emptyDocument();
}
