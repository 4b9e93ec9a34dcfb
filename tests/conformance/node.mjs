// The npm package behind the core's text protocol: a call per line in, an answer per line out.
import * as credentialPool from "../../pkg/dist/node.js";

/** The functions of the package and the names of their arguments, in order. */
const FUNCTIONS = {
  readPolicy: ["policy"],
  diagnose: ["key", "response", "now", "baseUrl"],
  providers: [],
  wanted: ["key"],
  poolKeyForBaseUrl: ["baseUrl", "config"],
  applyChanges: ["key", "stored", "changes"],
  emptyDocument: [],
  readDocument: ["text", "key"],
  applyToDocument: ["text", "key", "changes"],
  checkDocument: ["text", "now"],
  pools: ["text"],
  customPools: ["text"],
};

/** The methods of a pool and the names of their arguments, in order. */
const METHODS = {
  select: ["now"],
  rotate: ["id", "failure", "now"],
  refresh: ["id", "now"],
  markUsed: ["id"],
  lease: ["request", "now"],
  resume: ["lease", "now"],
  report: ["lease", "response", "now"],
  release: ["lease", "now"],
  settle: ["intent", "outcome", "now"],
  tick: ["now"],
  flush: ["now"],
  sync: ["stored", "now"],
  claim: ["intent", "now"],
  add: ["row", "now"],
  update: ["id", "fields", "now"],
  remove: ["id", "now"],
  moveTo: ["id", "place", "now"],
  reset: ["id", "now"],
  setStrategy: ["strategy", "now"],
  setPolicy: ["policy", "now"],
  key: [],
  strategy: [],
  policy: [],
  hasCredentials: [],
  current: [],
  peek: ["now"],
  entries: ["now"],
  explain: ["request", "now"],
  runtime: ["id"],
  rows: [],
  setAside: [],
  outstanding: [],
  wake: [],
};

const { CredentialPool } = credentialPool;
const pools = new Map();
let lastPool = 0;
let unfinished = "";

// `node:readline` would also end a line at U+2028, which JSON text may hold.
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => {
  const lines = (unfinished + chunk).split("\n");
  unfinished = lines.pop();
  for (const line of lines) process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
});

function answer({ call, args }) {
  try {
    return { ok: dispatch(call, args) ?? null };
  } catch (error) {
    const { code = "not_a_pool_error", message = String(error), pointer } = error ?? {};
    return { error: { code, message, pointer } };
  }
}

function dispatch(call, args) {
  if (call === "open") return open(args);
  if (call === "close") return close(args);
  if (Object.hasOwn(FUNCTIONS, call)) return credentialPool[call](...FUNCTIONS[call].map((name) => args[name]));
  if (Object.hasOwn(METHODS, call)) return poolOf(args)[call](...METHODS[call].map((name) => args[name]));
  throw misuse(`there is no call ${call}`);
}

function open({ seed, ...options }) {
  const random = (length) => Uint8Array.from(Buffer.from(seed, "hex")).subarray(0, length);
  const { pool, ...step } = CredentialPool.open({ ...options, host: { random } });
  lastPool += 1;
  pools.set(lastPool, pool);
  return { pool: lastPool, ...step };
}

function close(args) {
  poolOf(args).free();
  pools.delete(args.pool);
}

function poolOf({ pool }) {
  const open = pools.get(pool);
  if (open === undefined) throw misuse("no open pool has this number");
  return open;
}

function misuse(message) {
  return Object.assign(new Error(message), { code: "invalid_argument" });
}
