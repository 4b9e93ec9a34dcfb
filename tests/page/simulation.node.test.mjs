// The simulator of the page: the real core with seeded traffic and a scripted provider.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bundled } from "./simulator.mjs";

const { Comparison } = await bundled();

const STARTS_AT = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const healthy = { type: "healthy", numbers: {} };
const traffic = { seed: 7, requestsPerMinute: 30, sessions: 0, models: 1, durationMs: 8_000 };

/** Returns settings of a run. By default all credentials are healthy. */
const setting = ({ behaviours = [healthy, healthy, healthy], logins = false, ...given } = {}) => ({
  poolKey: "openai-codex",
  credentials: behaviours.map((_, number) => (
    { id: `c${number}`, label: `C${number}`, isLogin: logins, requestCount: 0, weight: 1, maxInFlight: null }
  )),
  behaviours,
  outage: { fromMinute: 0, minutes: 0 },
  traffic,
  strategy: "fill_first",
  policy: {},
  ...given,
});

/** Returns a run after a number of minutes. */
const played = (given, minutes) => {
  const match = new Comparison([setting(given)]);
  assert.ok(match.advance({ until: STARTS_AT + minutes * MINUTE }));
  return match.sides[0];
};
const servedBy = (run) => run.recording.lanes.map(({ served }) => served);
const cooldownsOf = (run) => run.recording.lanes.map(({ cooldowns }) => cooldowns);
const failed = ({ recording: { counts } }) => counts.exhausted + counts.givenUp;

/** Returns the whole recording of a run as text. */
const recorded = ({ recording, now }) =>
  JSON.stringify([now, recording.counts, recording.lanes, recording.lines, [...recording.marksSince(0)]]);

const limited = { type: "limited", numbers: { count: 5 } };
const mixed = {
  behaviours: [limited, { type: "flaky", numbers: {} }, healthy],
  strategy: "random",
  traffic: { ...traffic, sessions: 4, models: 2 },
};

test("the same seed gives the same run, however it is sliced; another seed gives another run", () => {
  const whole = recorded(played(mixed, 30));
  const sliced = new Comparison([setting(mixed)]);
  let slices = 0;
  for (let steps = 0; !sliced.advance({ until: STARTS_AT + 30 * MINUTE }, () => ++steps % 20 > 0); ) slices += 1;
  assert.ok(slices > 10);
  assert.equal(recorded(sliced.sides[0]), whole);
  assert.notEqual(recorded(played({ ...mixed, traffic: { ...mixed.traffic, seed: 8 } }, 30)), whole);
});

test("both sides get the same requests", () => {
  const match = new Comparison([setting({ behaviours: [limited, healthy] }), setting({ strategy: "random" })]);
  match.advance({ until: STARTS_AT + 20 * MINUTE });
  const [one, other] = match.sides;
  assert.equal(one.recording.counts.arrived, other.recording.counts.arrived);
  assert.deepEqual(one.nextArrival, other.nextArrival);
});

test("round_robin shares evenly among healthy credentials", () => {
  const shares = servedBy(played({ strategy: "round_robin" }, 60));
  assert.ok(Math.min(...shares) > 500, `${shares}`);
  assert.ok(Math.max(...shares) - Math.min(...shares) <= 5, `${shares}`);
});

test("explanations are in the order of the credentials, whichever is next", () => {
  const behaviours = [healthy, { type: "revoked", numbers: { from: 0 } }, healthy];
  for (let minutes = 1; minutes < 6; minutes += 1) {
    const run = played({ behaviours, strategy: "round_robin" }, minutes);
    assert.deepEqual(run.explain().map(({ credential }) => credential), ["c0", "c1", "c2"]);
  }
});

test("fill_first uses only the first credential until it is rate-limited", () => {
  const [first, ...others] = servedBy(played({}, 10));
  assert.ok(first > 200);
  assert.deepEqual(others, [0, 0]);
  const shares = servedBy(played({ behaviours: [limited, healthy, healthy] }, 10));
  assert.ok(shares[0] > 0 && shares[1] > shares[0], `${shares}`);
  assert.equal(shares[2], 0);
});

test("a rate-limited credential cools down, with its cause, and serves again", () => {
  const run = played({ behaviours: [limited, healthy] }, 10);
  const [[first, second]] = cooldownsOf(run);
  assert.equal(first.cause.kind, "rate_limited");
  assert.equal(first.cause.hint, "retry_after");
  assert.ok(first.until - first.from <= MINUTE);
  assert.ok(second.from >= first.until);
  const between = [...run.recording.marksSince(first.until)].filter(({ at, lane }) => lane === 0 && at < second.from);
  assert.ok(between.some(({ isServed }) => isServed));
  assert.match(run.explain()[0].text, /cools down until|serves|half-open/);
});

test("a used-up daily quota cools down for longer than a rate limit", () => {
  const [[cooldown]] = cooldownsOf(played({ behaviours: [{ type: "quota", numbers: { count: 20 } }, healthy] }, 10));
  assert.equal(cooldown.cause.kind, "quota");
  assert.equal(cooldown.until - cooldown.from, HOUR);
});

test("a revoked credential is never used again", () => {
  const run = played({ behaviours: [{ type: "revoked", numbers: { from: 2 } }, healthy] }, 600);
  const [[cooldown]] = cooldownsOf(run);
  assert.equal(cooldown.until, Infinity);
  // Requests that were in flight at that time end within a minute.
  const later = [...run.recording.marksSince(cooldown.from + MINUTE)].filter(({ lane }) => lane === 0);
  assert.deepEqual(later, []);
  assert.equal(run.explain()[0].verdict.type, "dead");
  assert.equal(failed(run), 0);
});

test("an outage cools no credential down, and waiting requests are served after it", () => {
  const run = played({ outage: { fromMinute: 2, minutes: 0.5 } }, 10);
  assert.deepEqual(cooldownsOf(run), [[], [], []]);
  assert.ok(run.recording.counts.waited > 0);
  assert.equal(failed(run), 0);
});

test("a key without access to one model cools down for that model only", () => {
  const behaviours = [{ type: "model_forbidden", numbers: { model: 2 } }, healthy];
  const run = played({ behaviours, traffic: { ...traffic, models: 2 } }, 10);
  assert.deepEqual(cooldownsOf(run)[0].map(({ model }) => model), ["model 2"]);
  assert.ok(servedBy(run)[0] > 50);
});

test("on the same traffic the policy reference fails more requests than adaptive", () => {
  const behaviours = [limited, limited, limited];
  const busy = { behaviours, traffic: { ...traffic, requestsPerMinute: 14 } };
  const [adaptive, reference] = ["adaptive", "reference"].map((preset) => played({ ...busy, policy: { preset } }, 120));
  assert.equal(adaptive.recording.counts.arrived, reference.recording.counts.arrived);
  assert.ok(failed(reference) > 2 * failed(adaptive), `${failed(reference)} ${failed(adaptive)}`);
});

for (const poolKey of ["anthropic", "openai-codex", "nous"]) {
  test(`logins of ${poolKey} are refreshed when their tokens expire, and no request fails`, () => {
    const run = played({ poolKey, logins: true }, 200);
    assert.ok(run.recording.lines.filter(({ text }) => text.includes("new token")).length >= 3);
    assert.equal(failed(run), 0);
    assert.deepEqual(run.problems, []);
  });
}

test("time only moves forward", () => {
  const match = new Comparison([setting({ behaviours: [limited, healthy] })]);
  match.advance({ until: STARTS_AT + HOUR });
  const before = recorded(match.sides[0]);
  assert.ok(match.advance({ until: STARTS_AT }));
  assert.equal(match.now, STARTS_AT + HOUR);
  assert.equal(recorded(match.sides[0]), before);
});

test("a step to the next event stops both sides at the time of the event", () => {
  const match = new Comparison([setting({ behaviours: [limited, healthy] }), setting()]);
  assert.ok(match.advance({ until: STARTS_AT + HOUR, stopsAtEvent: true }));
  const [one, other] = match.sides;
  assert.equal(one.recording.lines.length, 1);
  assert.ok(match.now > STARTS_AT && match.now < STARTS_AT + HOUR);
  assert.deepEqual([one.now, other.now], [match.now, match.now]);
  assert.ok(match.advance({ until: STARTS_AT + HOUR, stopsAtEvent: true }));
  assert.equal(one.recording.lines.length, 2);
});

test("after eight hours with five credentials every request is accounted for", (t) => {
  const behaviours = [
    limited, { type: "limited_silent", numbers: {} }, { type: "quota", numbers: {} }, { type: "slow", numbers: {} }, healthy,
  ];
  const start = performance.now();
  const run = played({ behaviours, strategy: "least_in_flight", outage: { fromMinute: 60, minutes: 5 } }, 8 * 60);
  t.diagnostic(`${run.recording.counts.arrived} requests took ${Math.round(performance.now() - start)} ms`);
  const { arrived, served } = run.recording.counts;
  assert.ok(arrived > 14_000);
  assert.ok(arrived - served - failed(run) < 60);
});
