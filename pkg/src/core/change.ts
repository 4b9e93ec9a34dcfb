/** Changes of stored state, as they are written and merged. */

import type { ErrorCode } from "./errors.js";
import type { FailureKind } from "./failure.js";
import type { Policy, Strategy } from "./policy.js";
import type { Row } from "./stored.js";
import type { Seconds } from "./time.js";

/** One edit of a pool's stored state; `applyChanges` and `applyToDocument` apply it. */
export type Change = {
  /** Author and time of the change. Unique. */
  by: Stamp;
} & Edit;

/** Author and time of a change: later than every change that the author had made or seen before. */
export interface Stamp {
  /** Microseconds since the Unix epoch. May run ahead of the clock. */
  at: number;
  /** Id of one open pool, unique among all hosts that share a store. */
  host: string;
}

/** Content of a change. */
export type Edit =
  /**
   * A new row. If a row with its id exists, another host discovered the same credential: the row of the earliest addition
   * stays, with the latest tokens. An id that was removed is not added again.
   */
  | { type: "add"; row: Row }
  /** The author is done: its last change, so that the store need not remember the author for long. */
  | { type: "sign_off" }
  /** Removal of a row. */
  | { type: "remove"; id: string }
  /**
   * A row leaves the pool, since its source no longer has its secret. It is remembered without the secret; a later `add`
   * brings it back.
   */
  | { type: "mark_absent"; id: string }
  /** An id for a row that had none. */
  | { type: "identify"; id: string; was?: string; fingerprint: string }
  /** Fields that a person or discovery set; null removes a field. The later edit of each field stays. */
  | { type: "set"; id: string; set: Row }
  /**
   * Status of a credential. Cooldowns that concurrent hosts began are all kept: the row shows the cooldown that ends
   * last.
   */
  | {
      type: "status";
      id: string;
      status: string | null;
      at: Seconds | null;
      /** HTTP status of the failure. */
      errorCode: number | null;
      /** Kind of the failure. */
      reason?: FailureKind | (string & {}) | null;
      /** End of the cooldown; without it `errorCode` decides. */
      resetAt?: Seconds | null;
      /** Cooldowns that this change ends, by the stamps of the changes that began them. */
      ends?: Stamp[];
      /** Of a reset: whether cooldowns that earlier changes began end as well. */
      endsEarlier?: boolean;
      /** Token that the provider refused, if the status is about a token: ignored if the row has another token. */
      token?: string;
    }
  /**
   * End of a credential's cooldown for a model; null if there is no cooldown. As with `status`, the latest end stays.
   */
  | { type: "model_cooldown"; id: string; model: string; until: Seconds | null; ends?: Stamp[] }
  /** New tokens, with every field that the refresh set. The tokens of the latest generation stay. */
  | {
      type: "tokens";
      id: string;
      /** Refresh token that was spent for them; left out if a person or discovery set the tokens. */
      replaces?: string;
      /** Number of earlier tokens: set by a person or discovery, and refreshed since. */
      generation: { edits: number; refreshes: number };
      set: Row;
    }
  /** Claim on a refresh token, by its fingerprint. The first claim that reaches the store holds. */
  | { type: "claim"; id: string; token: string }
  /** End of a claim on an unspent token, by the claim's stamp. */
  | { type: "release"; id: string; claim: Stamp }
  /** Uses of a credential since the last such change. Counts add up. */
  | { type: "used"; id: string; count: number; turn?: number }
  /** A source that discovery skips from now on. */
  | { type: "suppress"; source: string }
  /** A source that discovery reads again. */
  | { type: "unsuppress"; source: string }
  /** The pool's strategy. */
  | { type: "set_strategy"; strategy: Strategy }
  /** The pool's policy in its stored form. */
  | { type: "set_policy"; policy: Policy };

/** Answer of `applyToDocument`. */
export interface AppliedChanges {
  /** Text of the document with the changes. */
  text: string;
  /** Changes that the document could not take, by reason. They hold up no other change. */
  refused: Refusal[];
}

/** Changes that a document could not take for one reason. */
export interface Refusal {
  /** Stable code, for programs. */
  code: ErrorCode;
  /** The reason and its repair. Contains no value of the document. */
  message: string;
  /** Place in the document that a person has to correct, as a JSON pointer (RFC 6901). */
  pointer?: string;
  /**
   * Stamps of the changes; empty if only the merge metadata could not be kept: all changes were made then, but a
   * repetition could not be told from a new change.
   */
  changes: Stamp[];
}
