/** The host shell as hosts use it. */

import {
  MemoryStore, type OpenPool, openPool, type OpenPoolOptions, type ServingCredential, UnservedError,
} from "credential-pool";

const options: OpenPoolOptions = {
  key: "anthropic",
  store: new MemoryStore(),
  sources: { env: process.env },
  strategy: "round_robin",
  policy: { patience_ms: 5 },
  baseUrl: "https://provider.test",
  origins: ["https://files.provider.test"],
  authorize: (headers, { key }) => headers.set("x-api-key", key),
  onEvent: ({ what }) => void (what.type === "refresh_interrupted"),
  onProblem: (problem: unknown) => void problem,
};

export async function use(): Promise<void> {
  await using pool: OpenPool = await openPool(options);
  const added: string = await pool.do((core) => core.add({ access_token: "sk" }));
  const response: Response = await pool.fetch("chat", { signal: AbortSignal.timeout(1) }, { model: "m", affinity: added });
  const size = async ({ key }: ServingCredential, signal: AbortSignal) => key.length + Number(signal.aborted);
  const count: number = await pool.run(size);
  const client: { fetch: (url: string | URL, init?: RequestInit) => Promise<Response> } = { fetch: pool.fetch };
  try {
    await client.fetch("chat");
  } catch (error) {
    if (error instanceof UnservedError && error.code === "exhausted") void new Date(error.retryAt ?? count);
  }
  // @ts-expect-error a step is answered, not a value
  await pool.do(() => response);
  // @ts-expect-error the document's logins come with the store
  await openPool({ ...options, sources: { documentLogins: {} } });
  if (pool.unsaved) await pool.close({ timeoutMs: 1000 });
}
