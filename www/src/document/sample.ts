/** A made-up document to try the page with. Its keys work nowhere. */

/** Returns the sample; its cooldowns start at `now`. */
export function sample(now: number = Date.now()): string {
  const seconds = Math.floor(now / 1000);
  const key = (id: string, label: string, priority: number, more: object = {}) => ({
    id, label, auth_type: "api_key", priority, source: "manual", access_token: `sk-sample-${id}-0123456789abcdef`,
    last_status: null, last_status_at: null, last_error_code: null, request_count: 0, ...more,
  });
  const coolingDown = (code: number, reason: string, minutes: number) => ({
    last_status: "exhausted", last_status_at: seconds, last_error_code: code, last_error_reason: reason,
    last_error_reset_at: seconds + minutes * 60,
  });
  const document = {
    version: 1,
    providers: {},
    credential_pool: {
      openrouter: [
        key("4f2a1c", "work", 0, { request_count: 1204 }),
        key("b81d07", "spare", 1, { request_count: 310, ...coolingDown(429, "rate_limited", 12) }),
        key("07c9e2", "old project", 2, { request_count: 88, last_status: "dead", last_status_at: seconds - 86_400, last_error_code: 401, last_error_reason: "revoked" }),
      ],
      anthropic: [
        key("91aa3e", "team", 0, { source: "env:ANTHROPIC_API_KEY", request_count: 523 }),
        {
          id: "5d20bf", label: "plan", auth_type: "oauth", priority: 1, source: "manual", access_token: "sample-access-token-5d20bf",
          refresh_token: "sample-refresh-token-5d20bf", last_status: null, last_status_at: null, last_error_code: null,
          expires_at_ms: now + 5 * 3_600_000, request_count: 97,
        },
      ],
      "custom:workshop": [key("c0ffee", "local models", 0, { base_url: "http://127.0.0.1:8000/v1", weight: 2 })],
    },
    credential_pool_strategies: { openrouter: "round_robin" },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
