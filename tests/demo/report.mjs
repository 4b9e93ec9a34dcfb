/** What the demo says at its end, for people and for programs. */

import { MODEL } from "./requests.mjs";

/**
 * @typedef {import("../../pkg/dist/node.js").Cause} Cause
 * @typedef {import("../../pkg/dist/node.js").Explained} Explained
 *
 * @typedef {object} Run
 * @property {import("./host.mjs").Host} host
 * @property {import("../provider/provider.mjs").Provider} provider
 * @property {Record<string, number>} ends How many requests ended in which way.
 * @property {number} requests
 * @property {boolean} isSaved Whether the file says what the pool says.
 * @property {number} seconds
 */

/** @param {Run} run */
export function asData(run) {
  const { host, provider, ends, requests, isSaved, seconds } = run;
  const { served = 0, ...unserved } = ends;
  const summary = {
    document: host.store.path,
    pool: host.pool.key(),
    requests,
    served,
    unserved,
    fileEqualsPool: isSaved,
    seconds: Number(seconds.toFixed(3)),
    refreshes: provider.refreshes,
    credentials: credentials(run).map(({ explained: { verdict }, ...credential }) => ({ ...credential, verdict })),
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}

/** @param {Run} run */
export function asTable(run) {
  const { host, ends, requests, isSaved, seconds } = run;
  const { served = 0, ...unserved } = ends;
  const rows = credentials(run).map(({ id, label, uses, failures, state, explained }) => [
    `${label} (${id})`,
    String(uses),
    counts(failures) || "none",
    state,
    why(explained),
  ]);
  const others = counts(unserved);
  const lines = [
    ...table([["credential", "uses", "failures", "state", "why"], ...rows]),
    "",
    `${served} of ${requests} requests served in ${seconds.toFixed(1)} s${others && `, ${others}`}`,
    `${host.store.path} ${isSaved ? "says what the pool says" : "does NOT say what the pool says"}`,
  ];
  return `\n${lines.join("\n")}\n`;
}

/** @param {Run} run */
function credentials({ host }) {
  const now = Date.now();
  const explained = new Map(host.pool.explain({ model: MODEL }, now).credentials.map((it) => [it.credential, it]));
  return host.pool.entries(now).flatMap(({ id, label, state }) => {
    const { uses, failures } = host.tallies.get(id) ?? { uses: 0, failures: {} };
    const found = explained.get(id);
    return found === undefined ? [] : [{ id, label, uses, failures, state: state.type, explained: found }];
  });
}

/**
 * Why a credential does not serve, shorter than the pool's own line, which names every moment in full.
 *
 * @param {Explained} explained
 */
function why({ verdict, text }) {
  switch (verdict.type) {
    case "chosen":
    case "available":
      return "";
    case "cooling_down": {
      const { until, probeAt, cause } = verdict;
      const said = cause.hint === undefined ? "" : ` as its ${cause.hint} says`;
      const tried = probeAt === undefined ? "" : `, tried at ${moment(probeAt)}`;
      return `${failure(cause)}, until ${moment(until)}${said}${tried}`;
    }
    case "dead":
      return `${failure(verdict.cause)}, until somebody replaces it`;
    default:
      return text;
  }
}

/** @param {Cause} cause */
function failure({ kind, status }) {
  return `${status ?? ""} ${kind ?? "failed"}`.trim();
}

/** @param {Record<string, number>} counted */
function counts(counted) {
  return Object.entries(counted).map(([name, count]) => `${count} × ${name}`).join(", ");
}

/** @param {string[][]} rows */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}

/**
 * A moment on the local clock; with its day if that is not near.
 *
 * @param {number} millis
 */
function moment(millis) {
  const DAY_MS = 86_400_000;
  const time = new Date(millis);
  const isNear = Math.abs(millis - Date.now()) < DAY_MS;
  return isNear ? time.toTimeString().slice(0, 8) : `${time.toDateString()} ${time.toTimeString().slice(0, 5)}`;
}
