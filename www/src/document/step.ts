/** Steps of a person: edits of pools and changes of the text, which can be carried out on any text. */

import type { CoreError, PoolEdit } from "./core-reader";

/** A step of the history. */
export interface Step {
  /** Name of the step. */
  what: string;
  before: string;
  /** Text after the step; null until it is first read. */
  after: string | null;
  /** The edit of a pool; undefined for a change of the text. */
  edit?: { key: string; edit: PoolEdit } | undefined;
}

/** Steps that were carried out on another text. */
export interface Replay {
  /** The steps with their new texts, without the refused steps. */
  steps: Step[];
  text: string;
  refused: RefusedStep[];
}

/** A step that a pool or a document refused. */
export interface RefusedStep {
  what: string;
  error: CoreError;
}

/**
 * Returns the unsaved steps of a history: those after the saved text. After an undo of saved steps this is one change
 * of the text.
 */
export function unsavedSteps(steps: readonly Step[], saved: string, text: string): Step[] {
  if (text === saved) return [];
  const first = steps.findLastIndex(({ before }) => before === saved);
  return first >= 0 ? steps.slice(first) : [{ what: "your changes", before: saved, after: text }];
}
