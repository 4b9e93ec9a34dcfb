/** Failures of requests, and their diagnosis. */

import type { ResponseHeaders } from "./http.js";
import type { Millis } from "./time.js";

/**
 * A failure of a credential, for `rotate`: a status alone starts the reference's cooldown; a kind that the host judged, or
 * the provider's response, has the effect that the policy gives it.
 */
export interface Failure {
  /** HTTP status of the provider's response, if a response came. */
  status?: number | null;
  /** Kind of the failure, where the host judged it. */
  kind?: FailureKind | null;
  /** Headers of the response, as in `Response`. */
  headers?: ResponseHeaders | null;
  /** Body of the response, or the part of it that came. */
  body?: string;
}

/** Meaning of a failed response, judged by the response alone. */
export interface Diagnosis {
  /** Kind of the failure. */
  kind: FailureKind;
  /** Party at fault. A credential cools down only for its own fault. */
  fault: "credential" | "model" | "provider" | "request";
  /** Whether the failure holds for the request's model alone. */
  namesModel: boolean;
  /** End of the failure, if the provider announced it. */
  hint?: Hint;
}

/** Kinds of failures. */
export type FailureKind =
  /** The provider or the network: no response, overload, an outage, the page of a proxy. */
  | "transient"
  /** Too many requests or tokens in a short time. */
  | "rate_limited"
  /** A paid or granted amount is used up: money, the hours or the week of a plan, a daily allowance. */
  | "quota"
  /** The provider did not accept the credential; a refresh may help. */
  | "unauthorized"
  /** The provider revoked the credential; only a new credential or a new login helps. */
  | "revoked"
  /** The provider accepts the credential, but not for this model or from this location. */
  | "forbidden"
  /** The provider no longer serves this model to anyone. */
  | "model_gone"
  /** The request itself: its form, its length, its content. */
  | "request_fault"
  /** The response does not tell. */
  | "unknown";

/** End of a failure, as the provider announced it: at any distance, never before the time of the response. */
export interface Hint {
  until: Millis;
  /** Place in the response that announced it. */
  source: HintSource;
}

/** Places in a response that announce the end of a failure, the most trusted first. */
export type HintSource =
  | "retry_after_ms"
  | "retry_after"
  | "anthropic_reset"
  | "rate_limit_reset"
  | "quota_reset_delay"
  | "retry_delay"
  | "body_field"
  | "text";
