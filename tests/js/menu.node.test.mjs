// The menu and the prompts of the command line, as a person uses them: on a terminal.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const CLI = fileURLToPath(new URL("../../pkg/cli/dist/cli.js", import.meta.url));
const CANARY = "sk-canary-5f2d";
const [ENTER, ESC, CTRL_C, CTRL_D, CTRL_T] = ["\r", "\u001b", "\u0003", "\u0004", "\u0014"];

const DOCUMENT = `{
  "credential_pool": {
    "nous": [{"id": "n", "label": "other", "access_token": "${CANARY}-n"}],
    "openrouter": [
      {"id": "a", "label": "work", "access_token": "${CANARY}-a", "last_status": "dead"},
      {"id": "b", "label": "it's \\u001b[31mred", "access_token": "${CANARY}-b", "priority": 1, "last_status": "dead"}
    ]
  }
}
`;

// What the questions say.
const TOP = "What do you want to look after?";
const POOL = "openrouter:";
const WHICH = "Which credential?";

/** From the first question to the actions of a pool. */
const IN_POOL = [[TOP, `openrouter${ENTER}`]];
const action = (name) => [...IN_POOL, [POOL, `${name}${ENTER}`]];

describe("the menu", { concurrency: 4 }, () => {
  test("shows the states of pools, resets a pool, and names the command", async () => {
    const { exit, screen, path } = await typed([], [
      [TOP, ""], ["nous  fill_first, 1 credential: 1 available", ""],
      ["openrouter  fill_first, 2 credentials: 2 dead", `openrouter${ENTER}`],
      [POOL, `reset${ENTER}`], [WHICH, ""], ["0  work (a)  dead", `all${ENTER}`],
      ["openrouter: 2 credentials reset", ""],
      ["Same as: credential-pool --document ", ""], ["auth.json reset openrouter\n", ""],
      [POOL, ESC], [TOP, ""], ["openrouter  fill_first, 2 credentials: 2 available", ESC],
    ]);
    assert.equal(exit, 0, screen);
    assert.deepEqual((await rows(path)).map(({ last_status }) => last_status ?? null), [null, null]);
  });

  const DONE = [
    // action, answers, output, arguments after the location of the document
    ["list", [], /0 +work +a /, "list openrouter"],
    ["explain", [["For which model", `small${ENTER}`]], /is dead: /, "explain openrouter --model small"],
    ["reset", [[WHICH, ENTER]], /openrouter: 1 credential reset/, "reset openrouter a"],
    ["move", [[WHICH, ENTER], ["To which place", `2${ENTER}`]], /0 {2}b /, "move openrouter a 1"],
    ["choose", [["Which serves next?", `round${ENTER}`]], /\nround_robin\n/, "strategy openrouter round_robin"],
    ["remove", [[WHICH, ENTER], ["Remove a from", `y${ENTER}`]], /removed a \(work\)/, "remove openrouter a"],
  ];
  for (const [name, answers, shows, words] of DONE) {
    test(`${name}: as \`${words}\``, async () => {
      const same = ["Same as: credential-pool --document ", ""];
      const end = [same, [`${words}\n`, ""], [POOL, CTRL_C]];
      const { exit, screen, path } = await typed([], [...action(name), ...answers, ...end]);
      assert.equal(exit, 130, screen);
      assert.match(screen, shows);
      assert.doesNotMatch(screen, /canary|cancelled/);
      const { out, path: other } = await piped(words.split(" "));
      assert.ok(screen.replaceAll("\r", "").includes(out.trim().split("\n").at(-1)), screen);
      const kept = async (at) => (({ credential_pool }) => credential_pool)(JSON.parse(await readFile(at, "utf8")));
      assert.deepEqual(await kept(path), await kept(other));
    });
  }

  test("add asks for the key and shows nothing of it, whatever is pressed; labels are quoted", async () => {
    const { exit, screen, raw, path } = await typed([], [
      ...action("add"), ["What to call it", `it's mine${ENTER}`],
      ["Key:", `${CANARY}${CTRL_T}`], ["", `-new${ENTER}`],
      [`add openrouter --label 'it'\\''s mine'\n`, ""], [POOL, ESC], [TOP, `leave${ENTER}`],
    ]);
    assert.equal(exit, 0, screen);
    assert.doesNotMatch(raw, /canary|5f2d/);
    assert.equal((await rows(path)).at(-1).access_token, `${CANARY}-new`);
  });

  test("a missing pool can be made; a failure is printed, and the menu continues", async () => {
    const { exit, screen, path } = await typed([], [
      [TOP, `another${ENTER}`], ["Which pool", ` ${ENTER}`], ["credential-pool: a pool key is", ""],
      [TOP, `another${ENTER}`], ["Which pool", `Custom:Mine${ENTER}`],
      ["custom:mine:", `log${ENTER}`], ["credential_pool_logins", `/nowhere/at/all${ENTER}`],
      ["correct the path after --config", ""],
      ["custom:mine:", `add${ENTER}`], ["What to call it", ENTER], ["Key:", ENTER], ["no key was given", ""],
      ["custom:mine:", `add${ENTER}`], ["What to call it", ENTER], ["Key:", `${CANARY}${ENTER}`],
      ["add custom:mine\n", ""], ["custom:mine:", ""], ["remove a credential", ESC], [TOP, `leave${ENTER}`],
    ]);
    assert.equal(exit, 0, screen);
    assert.equal((await rows(path, "custom:mine"))[0].access_token, CANARY);
  });

  test("an unreadable document ends the menu with its error", async () => {
    const { exit, screen } = await typed([], [["nothing was overwritten", ""]], { text: "{" });
    assert.equal(exit, 3, screen);
  });

  test("remove asks for a confirmation", async () => {
    const { exit, path } = await typed([], [
      ...action("remove"), [WHICH, ENTER], ["Remove a from openrouter", ENTER], [POOL, ESC], [TOP, ESC],
    ]);
    assert.deepEqual([exit, await readFile(path, "utf8")], [0, DOCUMENT]);
  });

  const QUESTIONS = {
    "the first one": [[TOP]],
    "the name of a new pool": [[TOP, `another${ENTER}`], ["Which pool"]],
    "what to do": [...IN_POOL, [POOL]],
    "a model": [...action("explain"), ["For which model"]],
    "a label": [...action("add"), ["What to call it"]],
    "a key": [...action("add"), ["What to call it", ENTER], ["Key:", CANARY], [""]],
    "a configuration": [...action("log"), ["credential_pool_logins"]],
    "what to reset": [...action("reset"), [WHICH]],
    "what to move": [...action("move"), [WHICH]],
    "where to": [...action("move"), [WHICH, ENTER], ["To which place"]],
    "a strategy": [...action("choose"), ["Which serves next?"]],
    "what to remove": [...action("remove"), [WHICH]],
    "whether one is sure": [...action("remove"), [WHICH, ENTER], ["Remove a from openrouter", "y"], [""]],
  };
  for (const [name, steps] of Object.entries(QUESTIONS)) {
    const [question] = steps.at(-1);
    test(`at ${name}, Ctrl-C ends it, Esc goes back, and nothing is written`, async () => {
      const before = steps.length > 2 && steps[1][0] === POOL ? POOL : TOP;
      const ends = steps.length === 1
        ? [[130, [[question, CTRL_C]]], [0, [[question, ESC]]]]
        : [[130, [[question, CTRL_C]]], [130, [[question, ESC], [before, CTRL_C]]]];
      await Promise.all(ends.map(async ([code, end]) => {
        const { exit, raw, path } = await typed([], [...steps.slice(0, -1), ...end]);
        assert.deepEqual([exit, await readFile(path, "utf8")], [code, DOCUMENT], raw);
        assert.doesNotMatch(raw, /canary/);
      }));
    });
  }

  test("Ctrl-C right after an answer ends it as well", async () => {
    const steps = [...action("remove"), [WHICH, ENTER], ["Remove a from", `y${ENTER}${CTRL_C}`]];
    const { exit, path } = await typed([], steps);
    assert.deepEqual([exit, await readFile(path, "utf8")], [130, DOCUMENT]);
  });

  test("colours, unless NO_COLOR says no; and no tricks with the terminal", async () => {
    const colours = async (env) => {
      const steps = [...action("reset"), [WHICH, ""], ["31mred", CTRL_C]];
      const { raw } = await typed([], steps, { env: { TERM: "xterm-256color", ...env } });
      assert.doesNotMatch(raw, /\u001b\[31mred/);
      return /\u001b\[\d+m/.test(raw);
    };
    assert.deepEqual([await colours({}), await colours({ NO_COLOR: "1" })], [true, false]);
  });

  test("without a terminal, or with --json, help is shown instead", async () => {
    const { exit, out, err } = await piped([]);
    assert.deepEqual([exit, out, /^Usage: .*\n/.test(err)], [2, "", true]);
    const scripted = await typed(["--json"], [["Usage: credential-pool", ""]]);
    assert.equal(scripted.exit, 2);
    const unseen = await typed([], [], { redirect: "2>/dev/null" });
    assert.deepEqual([unseen.exit, unseen.screen], [2, ""]);
  });
});

describe("keys, without the menu", { concurrency: 4 }, () => {
  test("two tokens may be pasted at once, long ones too, and stdout holds the answer alone", async () => {
    const [access, refresh] = [`${CANARY}-${"a".repeat(1500)}`, `${CANARY}-${"r".repeat(1500)}`];
    for (const end of ["\r", "\n", "\r\n"]) {
      const steps = [["Access token:", `${access}${end}${refresh}${end}`], ["Refresh token", ""]];
      const words = ["add", "openrouter", "--type", "oauth"];
      const { exit, raw, path } = await typed(words, steps, { redirect: ">out" });
      assert.equal(exit, 0, raw);
      assert.doesNotMatch(raw, /canary|aaa|rrr|added/);
      const { access_token, refresh_token } = (await rows(path)).at(-1);
      assert.deepEqual([access_token, refresh_token], [access, refresh]);
      assert.match(await readFile(join(path, "..", "out"), "utf8"), /^added \w+ \([^)]*\) to openrouter: sha256:\w+\n$/);
    }
  });

  test("Ctrl-C, Ctrl-D and Esc end it, and nothing is written", async () => {
    for (const key of [CTRL_C, CTRL_D, ESC]) {
      const steps = [["Key:", CANARY], ["", key], ["credential-pool: cancelled: nothing was written\n", ""]];
      const { exit, screen, path } = await typed(["add", "openrouter"], steps);
      assert.deepEqual([exit, await readFile(path, "utf8")], [130, DOCUMENT], screen);
    }
  });
});

const folders = [];
after(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

/** A document of its own. */
async function file(text) {
  const folder = await mkdtemp(join(tmpdir(), "credential-pool-menu-"));
  folders.push(folder);
  const path = join(folder, "auth.json");
  await writeFile(path, text);
  return path;
}

const rows = async (path, pool = "openrouter") => JSON.parse(await readFile(path, "utf8")).credential_pool[pool];

function environment(env) {
  // With `CI` set, Node assumes a terminal without colours.
  const { CI, FORCE_COLOR, NO_COLOR, HERMES_HOME, CREDENTIAL_POOL_REDIS, NODE_TEST_CONTEXT, ...others } = process.env;
  return { ...others, ...env };
}

/**
 * Runs the command line on a terminal of its own. Each step waits for a text, after that of the last step, and types. A
 * text that does not come fails the test, which shows the screen.
 */
async function typed(words, steps, { text = DOCUMENT, env = {}, redirect = "" } = {}) {
  const path = await file(text);
  const quoted = [process.execPath, CLI, "--document", path, ...words].map((word) => `'${word}'`).join(" ");
  const command = `${quoted} ${redirect}`;
  const child = spawn("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
    cwd: join(path, ".."), env: environment(env), stdio: ["pipe", "pipe", "inherit"],
  });
  let [raw, seen, next] = ["", 0, 0];
  const shown = () => stripVTControlCharacters(raw).replaceAll("\r", "");
  const advance = () => {
    while (next < steps.length) {
      const [wanted, keys = ""] = steps[next];
      const at = shown().indexOf(wanted, seen);
      if (at < 0) return;
      seen = at + wanted.length;
      next += 1;
      child.stdin.write(keys);
    }
  };
  child.stdin.on("error", () => {});
  const exit = await new Promise((resolve, reject) => {
    child.on("error", (cause) => {
      reject(new Error("these tests need a terminal: install `script` of util-linux (Debian: bsdutils)", { cause }));
    });
    const silence = setTimeout(() => child.kill(), 60_000);
    child.stdout.setEncoding("utf8").on("data", (data) => {
      raw += data;
      advance();
    });
    child.on("close", (code) => {
      clearTimeout(silence);
      resolve(code);
    });
    advance();
  });
  assert.equal(next, steps.length, `${JSON.stringify(steps[next]?.[0])} did not come:\n${shown()}`);
  return { exit, path, raw, screen: shown() };
}

/** Runs the command line without a terminal. */
async function piped(words) {
  const path = await file(DOCUMENT);
  const options = { env: environment({}), stdio: ["ignore", "pipe", "pipe"] };
  const child = spawn(process.execPath, [CLI, "--document", path, ...words], options);
  const texts = Promise.all([child.stdout, child.stderr].map(async (stream) => (await stream.toArray()).join("")));
  const [[exit], [out, err]] = await Promise.all([once(child, "close"), texts]);
  return { exit, out, err, path };
}
