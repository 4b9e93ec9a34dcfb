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
  refused: RefusedStep[];
}

/** A step that a pool or a document refused. */
export interface RefusedStep {
  what: string;
  error: CoreError;
}
