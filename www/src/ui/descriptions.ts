/** One-line descriptions of strategies, presets, kinds of secrets, states and failures. */

import type { FailureKind, ShownCredential, Strategy } from "../document/core-reader";

/** Descriptions of the strategies. */
export const STRATEGIES: Record<Strategy, string> = {
  fill_first: "The first credential by priority serves until it cools down; then the next serves.",
  round_robin: "Credentials take turns.",
  random: "Random choice, in proportion to the weights.",
  least_used: "The credential with the lowest use count in the document.",
  least_in_flight: "The credential with the fewest requests in flight.",
};

/** Descriptions of the presets of a policy. */
export const PRESETS = {
  adaptive: "Cools down as long as the provider asks, else briefly with backoff. One probe goes first after a cooldown.",
  reference: "One hour after HTTP 429, one day after most other failures.",
} as const;

const FAILURES: Record<FailureKind, string> = {
  transient: "provider unreachable or overloaded",
  rate_limited: "too many requests",
  quota: "quota or credit used up",
  unauthorized: "not accepted",
  revoked: "revoked",
  forbidden: "not allowed for this model or region",
  model_gone: "model does not exist",
  request_fault: "faulty request",
  unknown: "unknown error",
};

/** Returns the name of a kind of secret. */
export function secretKind(authType: string): string {
  return authType === "oauth" ? "login" : authType === "api_key" ? "key" : authType;
}

/** State of a credential as the table shows it. */
export interface StateDescription {
  tone: "good" | "wait" | "bad";
  label: string;
  /** Reason of the state; empty if there is nothing to add. */
  reason: string;
  /** End of the state, if it ends by itself. */
  until: number | null;
}

/** Describes the state of a credential. */
export function describeState({ entry: { state }, failure }: ShownCredential): StateDescription {
  const cause = failure === null ? "" : FAILURES[failure];
  switch (state.type) {
    case "available":
      return { tone: "good", label: "available", reason: "", until: null };
    case "cooling_down": {
      const status = state.errorCode === null ? "" : `HTTP ${state.errorCode}`;
      const reason = [cause, status].filter((text) => text !== "").join(", ");
      return { tone: "wait", label: "cooling down", reason, until: state.until };
    }
    case "unreachable":
      return { tone: "wait", label: "unreachable", reason: "could not be refreshed", until: state.until };
    case "expired":
      return { tone: "bad", label: "expired", reason: "cannot be refreshed", until: null };
    case "no_secret":
      return { tone: "bad", label: "no key", reason: "", until: null };
    case "unusable_secret":
      return { tone: "bad", label: "unusable key", reason: "copy the key again", until: null };
    case "dead":
      return { tone: "bad", label: "dead", reason: cause, until: null };
  }
}
