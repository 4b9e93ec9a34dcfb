/** What the demo says at its end, for people and for programs. */

/**
 * @typedef {object} Run
 * @property {import("./host.mjs").Host} host
 * @property {import("../provider/provider.mjs").Provider} provider
 * @property {number} served
 * @property {number} requests
 * @property {boolean} isSaved Whether the file says what the pool says.
 * @property {number} seconds
 */

/** @param {Run} run */
export function asData(run) {
  const { host, provider, served, requests, isSaved, seconds } = run;
  const summary = {
    document: host.store.path,
    pool: host.pool.key(),
    requests,
    served,
    fileEqualsPool: isSaved,
    seconds: Number(seconds.toFixed(3)),
    refreshes: provider.refreshes,
    credentials: credentials(run),
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}

/** @param {Run} run */
export function asTable(run) {
  const { host, served, requests, isSaved, seconds } = run;
  const rows = credentials(run).map(({ id, label, uses, failures, state, cooldownLeftMs }) => [
    `${label} (${id})`,
    String(uses),
    Object.entries(failures).map(([status, count]) => `${count} × ${status}`).join(", ") || "none",
    state,
    cooldownLeftMs === null ? "" : duration(cooldownLeftMs),
  ]);
  const lines = [
    ...table([["credential", "uses", "failures", "state", "cooldown left"], ...rows]),
    "",
    `${served} of ${requests} requests served in ${seconds.toFixed(1)} s`,
    `${host.store.path} ${isSaved ? "says what the pool says" : "does NOT say what the pool says"}`,
  ];
  return `\n${lines.join("\n")}\n`;
}

/** @param {Run} run */
function credentials({ host }) {
  const now = Date.now();
  return host.pool.entries(now).map(({ id, label, state }) => ({
    id,
    label,
    ...(host.tallies.get(id) ?? { uses: 0, failures: {} }),
    state: state.type,
    cooldownLeftMs: state.type === "exhausted" && state.until !== null ? state.until - now : null,
  }));
}

/** @param {string[][]} rows */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}

/** @param {number} millis */
function duration(millis) {
  const minutes = Math.round(millis / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
