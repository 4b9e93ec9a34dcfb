/** Commands that change nothing. */

import { checkDocument, type Explained, StoreError } from "../node.js";
import { type Document, type Place, textsOf } from "./document.js";
import { EXIT, Failure } from "./failure.js";
import { type Opened, openAll, openKnown } from "./opened.js";
import { type Answer, conditionOf, duration, heading, paint, plain, plural, shown, stateOf, table } from "./show.js";

/** `list`: all pools or one, with how each credential is doing. */
export async function list(place: Place, key: string | undefined): Promise<Answer> {
  const document = await place.read();
  const opened = key === undefined ? openAll(document) : [openKnown(document, key)];
  const now = Date.now();
  const lines = opened.flatMap((each) => [...listed(each, now), ""]);
  const isMissing = document.isThere ? "" : ", which does not exist yet";
  if (opened.length === 0) lines.push(`no credentials in ${plain(place.name)}${isMissing}`);
  lines.push(...troubles(document));
  return { data: { document: place.name, pools: opened.map((each) => pooled(each, now)) }, lines: trimmed(lines) };
}

/** The pools at a glance, each in one line. */
export async function glances(place: Place): Promise<{ key: string; line: string }[]> {
  const now = Date.now();
  return openAll(await place.read()).map((opened) => {
    const counts = new Map<string, number>();
    for (const { state } of opened.pool.entries(now)) {
      counts.set(conditionOf(state), (counts.get(conditionOf(state)) ?? 0) + 1);
    }
    const health = [...counts].map(([condition, count]) => `${count} ${condition}`).join(", ");
    const key = opened.pool.key();
    return { key, line: `${plain(key)}  ${strategyAndSize(opened, now)}${health === "" ? "" : `: ${health}`}` };
  });
}

/** `explain`: why each credential would or would not serve a request. */
export async function explain(place: Place, key: string, model: string | undefined): Promise<Answer> {
  const { pool } = openKnown(await place.read(), key);
  const now = Date.now();
  const explanation = pool.explain({ model: model ?? null }, now);
  const labels = new Map(pool.entries(now).map(({ id, label }) => [id, label]));
  const { next } = explanation;
  const until = "until" in next ? next.until : "retryAt" in next ? next.retryAt : null;
  const left = until === null ? "" : `, for ${duration(until - now)}`;
  const by = "credential" in next ? ` ${next.credential} (${labels.get(next.credential) ?? ""})` : "";
  const labelled = ({ credential, text }: Explained) => [credential, labels.get(credential) ?? "", text].map(plain);
  return {
    data: { pool: pool.key(), model: model ?? null, ...explanation },
    lines: [heading(plain(`next: ${next.type}${by}${left}`)), ...table(explanation.credentials.map(labelled))],
  };
}

/** `check`: what a person should look at. */
export async function check(place: Place): Promise<Answer> {
  const problems = await problemsOf(place);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const rows = problems.map(({ severity, pointer, message }) => [
    severity === "error" ? paint("red", severity) : paint("yellow", severity), plain(pointer) || "/", plain(message),
  ]);
  const sum = `${plural(errors, "error")}, ${plural(problems.length - errors, "warning")} in ${plain(place.name)}`;
  const answer = { data: { document: place.name, problems }, lines: [...table(rows), sum] };
  return errors > 0 ? { ...answer, exit: EXIT.missing } : answer;
}

async function problemsOf(place: Place) {
  try {
    const document = await place.read();
    if (document.isThere) return checked(document);
  } catch (error) {
    // What is no text has no place in it either.
    if (!(error instanceof StoreError) || error.code !== "invalid_document") throw error;
    return [{ code: "not_json", severity: "error", pointer: error.pointer ?? "", message: error.message }] as const;
  }
  throw new Failure(EXIT.missing, "no_document", `${place.name} does not exist: say where the document is with --document or --redis`);
}

/** A pool for scripts. */
function pooled({ pool }: Opened, now: number) {
  const explained = byId(pool.explain({}, now).credentials);
  const credentials = pool.entries(now).map((entry) => {
    const { verdict, text } = explained.get(entry.id) ?? {};
    return { ...shown(entry), verdict, text };
  });
  return { pool: pool.key(), strategy: pool.strategy(), setAside: pool.setAside().length, credentials };
}

/** A pool for people. */
function listed(opened: Opened, now: number): string[] {
  const { pool } = opened;
  const entries = pool.entries(now);
  const explained = byId(pool.explain({}, now).credentials);
  const rows = entries.map(({ label, id, authType, source, fingerprint, requestCount, priority, state }) => {
    const secret = state.type === "exhausted" && state.reason === "no_secret" ? "none" : fingerprint;
    const of = [String(priority), label, id, authType, source, secret, String(requestCount)].map(plain);
    return ["", ...of, stateOf(state, now), plain(explained.get(id)?.text ?? "")];
  });
  const head = ["", "priority", "label", "id", "kind", "source", "secret", "uses", "state", "why"];
  const aside = pool.setAside().length;
  return [
    `${heading(plain(pool.key()))}  ${strategyAndSize(opened, now)}`,
    ...(rows.length === 0 ? [] : table([head, ...rows])),
    ...(aside === 0 ? [] : [`  ${plural(aside, "row")} cannot be read and ${aside === 1 ? "was" : "were"} set aside`]),
  ];
}

function strategyAndSize({ pool }: Opened, now: number): string {
  return `${pool.strategy()}, ${plural(pool.entries(now).length, "credential")}`;
}

function byId(explained: readonly Explained[]): Map<string, Explained> {
  return new Map(explained.map((each) => [each.credential, each]));
}

function checked(document: Document) {
  return textsOf(document).flatMap((text) => checkDocument(text));
}

function troubles(document: Document): string[] {
  const count = checked(document).length;
  return count === 0 ? [] : [`${plural(count, "problem")} in the document: \`credential-pool check\` tells`];
}

function trimmed(lines: string[]): string[] {
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
