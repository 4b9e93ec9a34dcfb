/** Read-only commands: `list`, `explain`, `check`. */

import { checkDocument, type Explained, StoreError } from "credential-pool";

import { type Document, type Location, textsOf } from "./document.js";
import { EXIT, Failure } from "./failure.js";
import {
  duration, heading, type Output, plural, printable, stateName, stateWithTime, styled, table, withoutUrlSecrets,
} from "./output.js";
import { openAll, type OpenedPool, openExisting } from "./pools.js";

/** `list`: shows one pool or all pools, with the state of each credential. */
export async function list(location: Location, key: string | undefined): Promise<Output> {
  const document = await location.read();
  const opened = key === undefined ? openAll(document) : [openExisting(document, key)];
  const now = Date.now();
  const lines = opened.flatMap((each) => [...poolLines(each, now), ""]);
  const isMissing = document.exists ? "" : ", which does not exist yet";
  if (opened.length === 0) lines.push(`no credentials in ${printable(location.name)}${isMissing}`);
  lines.push(...problemLines(document));
  const data = { document: location.name, pools: opened.map((each) => poolData(each, now)) };
  return { data, lines: withoutLastBlank(lines) };
}

/** Returns one line per pool, with the number of credentials in each state. */
export async function poolSummaries(location: Location): Promise<{ key: string; line: string }[]> {
  const now = Date.now();
  return openAll(await location.read()).map((opened) => {
    const counts = new Map<string, number>();
    for (const { state } of opened.pool.entries(now)) {
      counts.set(stateName(state), (counts.get(stateName(state)) ?? 0) + 1);
    }
    const states = [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
    const key = opened.pool.key();
    return { key, line: `${printable(key)}  ${strategyAndSize(opened, now)}${states === "" ? "" : `: ${states}`}` };
  });
}

/** `explain`: shows why each credential would or would not serve a request. */
export async function explain(location: Location, key: string, model: string | undefined): Promise<Output> {
  const { pool } = openExisting(await location.read(), key);
  const now = Date.now();
  const explanation = pool.explain({ model: model ?? null }, now);
  const labels = new Map(pool.entries(now).map(({ id, label }) => [id, label]));
  const { next } = explanation;
  const until = "until" in next ? next.until : "retryAt" in next ? next.retryAt : null;
  const left = until === null ? "" : `, for ${duration(until - now)}`;
  const by = "credential" in next ? ` ${next.credential} (${labels.get(next.credential) ?? ""})` : "";
  const cells = ({ credential, text }: Explained) => [credential, labels.get(credential) ?? "", text].map(printable);
  return {
    data: { pool: pool.key(), model: model ?? null, ...explanation },
    lines: [heading(printable(`next: ${next.type}${by}${left}`)), ...table(explanation.credentials.map(cells))],
  };
}

/** `check`: shows the problems of the document. */
export async function check(location: Location): Promise<Output> {
  const problems = await problemsOf(location);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const rows = problems.map(({ severity, pointer, message }) => [
    styled(severity === "error" ? "red" : "yellow", severity), printable(pointer) || "/", printable(message),
  ]);
  const counts = `${plural(errors, "error")}, ${plural(problems.length - errors, "warning")}`;
  const summary = `${counts} in ${printable(location.name)}`;
  const output = { data: { document: location.name, problems }, lines: [...table(rows), summary] };
  return errors > 0 ? { ...output, exit: EXIT.missing } : output;
}

async function problemsOf(location: Location) {
  try {
    const document = await location.read();
    if (document.exists) return problemsIn(document);
  } catch (error) {
    // A file that is not UTF-8 text has no places.
    if (!(error instanceof StoreError) || error.code !== "invalid_document") throw error;
    return [{ code: "not_json", severity: "error", pointer: error.pointer ?? "", message: error.message }] as const;
  }
  const advice = "name the document with --document or --redis";
  throw new Failure(EXIT.missing, "no_document", `${location.name} does not exist: ${advice}`);
}

/** Returns a pool for scripts. */
function poolData({ pool }: OpenedPool, now: number) {
  const explained = byId(pool.explain({}, now).credentials);
  const credentials = pool.entries(now).map((entry) => {
    const { verdict, text } = explained.get(entry.id) ?? {};
    return { ...withoutUrlSecrets(entry), verdict, text };
  });
  return { pool: pool.key(), strategy: pool.strategy(), setAside: pool.setAside().length, credentials };
}

/** Returns a pool for people. */
function poolLines(opened: OpenedPool, now: number): string[] {
  const { pool } = opened;
  const entries = pool.entries(now);
  const explained = byId(pool.explain({}, now).credentials);
  const rows = entries.map(({ label, id, authType, source, fingerprint, requestCount, priority, state }) => {
    const secret = state.type === "no_secret" ? "none" : fingerprint;
    const cells = [String(priority), label, id, authType, source, secret, String(requestCount)].map(printable);
    return ["", ...cells, stateWithTime(state, now), printable(explained.get(id)?.text ?? "")];
  });
  const head = ["", "priority", "label", "id", "kind", "source", "secret", "uses", "state", "why"];
  const setAside = pool.setAside().length;
  return [
    `${heading(printable(pool.key()))}  ${strategyAndSize(opened, now)}`,
    ...(rows.length === 0 ? [] : table([head, ...rows])),
    ...(setAside === 0 ? [] : [`  ${plural(setAside, "unreadable row")} set aside`]),
  ];
}

function strategyAndSize({ pool }: OpenedPool, now: number): string {
  return `${pool.strategy()}, ${plural(pool.entries(now).length, "credential")}`;
}

function byId(explained: readonly Explained[]): Map<string, Explained> {
  return new Map(explained.map((each) => [each.credential, each]));
}

function problemsIn(document: Document) {
  return textsOf(document).flatMap((text) => checkDocument(text));
}

function problemLines(document: Document): string[] {
  const count = problemsIn(document).length;
  return count === 0 ? [] : [`${plural(count, "problem")} in the document: \`credential-pool check\` shows more`];
}

function withoutLastBlank(lines: string[]): string[] {
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
