/** The demo's report, for people and for programs. */

import { MODEL } from "./requests.mjs";

/**
 * @typedef {import("../../pkg/dist/node.js").Cause} Cause
 * @typedef {import("../../pkg/dist/node.js").Explained} Explained
 *
 * @typedef {object} Run
 * @property {import("./host.mjs").Host} host
 * @property {import("../provider/provider.mjs").Provider} provider
 * @property {Record<string, number>} ends Number of requests by their last move.
 * @property {number} requests
 * @property {boolean} isSaved Whether the file has all changes of the pool.
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
    state.replaceAll("_", " "),
    why(explained),
  ]);
  const others = counts(unserved);
  const lines = [
    ...table([["credential", "uses", "failures", "state", "why"], ...rows]),
    "",
    `${served} of ${requests} requests served in ${seconds.toFixed(1)} s${others && `, ${others}`}`,
    `${host.store.path} ${isSaved ? "has all changes of the pool" : "does NOT have all changes of the pool"}`,
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
 * Explains why a credential is not available, shorter than the pool's text, which has full timestamps.
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
      const hint = cause.hint === undefined ? "" : ` (${cause.hint})`;
      const probe = probeAt === undefined ? "" : `, probe at ${moment(probeAt)}`;
      return `${failure(cause)}, until ${moment(until)}${hint}${probe}`;
    }
    case "dead":
      return `${failure(verdict.cause)}, until a new secret or a reset`;
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
 * Formats a time of the local clock, with its day if it is more than a day away.
 *
 * @param {number} millis
 */
function moment(millis) {
  const DAY_MS = 86_400_000;
  const time = new Date(millis);
  const isNear = Math.abs(millis - Date.now()) < DAY_MS;
  return isNear ? time.toTimeString().slice(0, 8) : `${time.toDateString()} ${time.toTimeString().slice(0, 5)}`;
}
