/** How times, kinds and states are said. */

import type { FailureKind, ShownCredential, Strategy } from "./core";

/** A length of time in ms as people say it: `59 s`, `12 min`, `3 h 5 min`, `2 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 48) return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
  return `${Math.round(hours / 24)} d`;
}

/** What each strategy does, on one line. */
export const STRATEGIES: Record<Strategy, string> = {
  fill_first: "The first by priority serves until it rests; then the next.",
  round_robin: "Each in turn.",
  random: "By chance, each as often as its weight says.",
  least_used: "The one with the fewest uses so far.",
  least_in_flight: "The one with the fewest requests under way.",
};

/** What went wrong. */
export const FAILURES: Record<FailureKind, string> = {
  transient: "provider unreachable or overloaded",
  rate_limited: "too many requests",
  quota: "quota or money used up",
  unauthorized: "not accepted",
  revoked: "withdrawn",
  forbidden: "not allowed for this model or from here",
  model_gone: "model is gone",
  request_fault: "request was wrong",
  unknown: "unknown answer",
};

/** What kind of secret it is. */
export function kind(authType: string): string {
  return authType === "oauth" ? "login" : authType === "api_key" ? "key" : authType;
}

/** How a credential is doing, without the time that is left. */
export function state({ entry, failure }: ShownCredential): { tone: "good" | "wait" | "bad"; word: string; why: string } {
  const { state } = entry;
  const failed = failure === null ? "" : FAILURES[failure];
  if (state.type === "available") return { tone: "good", word: "available", why: "" };
  if (state.type === "dead") return { tone: "bad", word: "dead", why: failed };
  const why = { failed, expired: "expired", unreachable: "could not be refreshed", no_secret: "no key" }[state.reason];
  const code = state.errorCode === null ? "" : `HTTP ${state.errorCode}`;
  const reasons = [why, code].filter((text) => text !== "").join(", ");
  return state.until === null ? { tone: "bad", word: "unusable", why: reasons } : { tone: "wait", word: "cooling_down", why: reasons };
}

/** A message as a sentence. */
export function sentence(text: string): string {
  return text === "" ? "" : `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
