/** The menu: prompts for the arguments of a command, runs the command, and names it. */

import process from "node:process";

import { type Location, poolsOf } from "./document.js";
import { asFailure, EXIT, Failure } from "./failure.js";
import { poolSummaries } from "./inspect.js";
import { printable, stateWithTime } from "./output.js";
import { open } from "./pools.js";
import { Back, type Choice, choose, isSure, line } from "./prompt.js";
import { STRATEGIES } from "./settings.js";

/** The program around the menu. */
export interface MenuContext {
  location: Location;
  /** Arguments that name the location, without a password. */
  locationArguments: readonly string[];
  /** Runs a command, and prints its output. */
  runCommand: (args: readonly string[]) => Promise<void>;
  /** Prints a failure. */
  printFailure: (failure: Failure) => void;
}

/**
 * Shows the menu until the person leaves. Returns the exit code.
 *
 * @throws {StoreError} `unreadable`, `invalid_document`.
 */
export async function menu(context: MenuContext): Promise<number> {
  try {
    await mainMenu(context);
    return EXIT.done;
  } catch (error) {
    // Without a message, since earlier actions are written.
    if (error instanceof Failure && error.exit === EXIT.cancelled) return EXIT.cancelled;
    throw error;
  }
}

async function mainMenu(context: MenuContext): Promise<void> {
  for (;;) {
    const choices = [...await poolChoices(context.location), ...ELSEWHERE];
    const chosen = await undefinedOnBack(() => choose("What do you want to look after?", choices));
    if (chosen === undefined || chosen.type === "leave") return;
    await printingFailures(context, async () => {
      if (chosen.type === "action") await runAction(context, chosen.action, "");
      if (chosen.type === "pool") await inPool(context, chosen.name);
      if (chosen.type === "new") await inPool(context, await line(WHICH));
    });
  }
}

const WHICH = "Which pool (a provider such as openrouter, or custom:<name>)?";

/** A command of the menu. */
interface Action {
  command: string;
  /** Name of the choice. */
  name: string;
  /** Whether the command makes a missing pool. */
  makesPool?: true;
  /** Prompts for the arguments. */
  args: (location: Location, pool: string) => Promise<string[]>;
}

type Chosen = { type: "pool"; name: string } | { type: "new" } | { type: "action"; action: Action } | { type: "leave" };

const ON_A_POOL: readonly Action[] = [
  { command: "list", name: "list its credentials", args: async (_, pool) => [pool] },
  {
    command: "explain",
    name: "explain who serves the next request",
    args: async (_, pool) => [pool, ...await option("--model", "For which model (Enter: any)?")],
  },
  {
    command: "add",
    name: "add a key",
    makesPool: true,
    args: async (_, pool) => [pool, ...await option("--label", "What to call it (Enter: a default name)?")],
  },
  {
    command: "login",
    name: "log in, and add the login",
    makesPool: true,
    args: async (_, pool) => [
      pool,
      ...pool === "nous" ? [] : await option("--config", "The file with credential_pool_logins (Enter: none)?"),
    ],
  },
  {
    command: "reset",
    name: "reset: end cooldowns and revive dead credentials",
    args: async (location, pool) => [pool, ...await credential(location, pool, [{ value: [], name: "all of them" }])],
  },
  {
    command: "move",
    name: "move a credential to another place in the order",
    args: async (location, pool) => [pool, ...await credential(location, pool), await position(location, pool)],
  },
  {
    command: "strategy",
    name: "choose the strategy",
    args: async (_, pool) => [
      pool,
      await choose("Which serves next?", Object.entries(STRATEGIES).map(([value, description]) => ({
        value, name: `${value}: ${description}`,
      }))),
    ],
  },
  {
    command: "remove",
    name: "remove a credential",
    args: async (location, pool) => {
      const chosen = await credential(location, pool);
      if (!await isSure(`Remove ${printable(chosen.join(" "))} from ${printable(pool)} for good?`)) throw new Back();
      return [pool, ...chosen];
    },
  },
];

const ON_ALL: readonly Action[] = [
  { command: "list", name: "list all pools", args: async () => [] },
  { command: "check", name: "check the document", args: async () => [] },
  { command: "edit", name: "edit the document in the browser, until Ctrl-C", args: async () => [] },
  { command: "reset", name: "reset everything", args: async () => [] },
];

const ELSEWHERE: readonly Choice<Chosen>[] = [
  { value: { type: "new" }, name: "another pool" },
  ...ON_ALL.map((action) => ({ value: { type: "action", action } as const, name: action.name })),
  { value: { type: "leave" }, name: "leave" },
];

async function poolChoices(location: Location): Promise<Choice<Chosen>[]> {
  return (await poolSummaries(location)).map(({ key, line }) => ({ value: { type: "pool", name: key }, name: line }));
}

async function inPool(context: MenuContext, name: string): Promise<void> {
  for (;;) {
    const document = await context.location.read();
    const key = open(document, name).pool.key();
    const actions = ON_A_POOL.filter(({ makesPool }) => makesPool || poolsOf(document).includes(key));
    const choices = actions.map((action) => ({ value: action, name: action.name }));
    const action = await undefinedOnBack(() => choose(`${printable(key)}:`, choices));
    if (action === undefined) return;
    await printingFailures(context, () => runAction(context, action, key));
  }
}

async function runAction(
  { location, locationArguments, runCommand }: MenuContext,
  { command, args }: Action,
  pool: string,
): Promise<void> {
  const all = [command, ...await args(location, pool)];
  await runCommand(all);
  const same = ["credential-pool", ...locationArguments, ...all].map(quoted).join(" ");
  process.stdout.write(`\nSame as: ${printable(same)}\n\n`);
}

async function option(name: string, question: string): Promise<string[]> {
  const text = await line(question);
  return text === "" ? [] : [name, text];
}

async function credential(
  location: Location,
  pool: string,
  others: readonly Choice<string[]>[] = [],
): Promise<string[]> {
  const now = Date.now();
  const choices = (await entriesOf(location, pool)).map(({ id, label, priority, state }) => ({
    value: [id], name: `${printable(`${priority}  ${label} (${id})`)}  ${stateWithTime(state, now)}`,
  }));
  if (choices.length > 0) return choose("Which credential?", [...choices, ...others]);
  throw new Failure(EXIT.missing, "unknown_credential", `${pool} has no credentials: add a key, or log in`);
}

async function position(location: Location, pool: string): Promise<string> {
  const positions = [...(await entriesOf(location, pool)).keys()].map(String);
  return choose("To which place (0: the first)?", positions.map((value) => ({ value, name: value })));
}

async function entriesOf(location: Location, pool: string) {
  return open(await location.read(), pool).pool.entries().sort((one, other) => one.priority - other.priority);
}

/** Runs an action. Returns undefined if the person pressed Esc. */
async function undefinedOnBack<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Back) return undefined;
    throw error;
  }
}

/** Runs an action and prints its failure, so that the menu continues. Faults and Ctrl-C still end the menu. */
async function printingFailures({ printFailure }: MenuContext, action: () => Promise<void>): Promise<void> {
  try {
    await undefinedOnBack(action);
  } catch (error) {
    const failure = asFailure(error);
    if (failure.exit === EXIT.cancelled || failure.exit === EXIT.fault) throw error;
    printFailure(failure);
  }
}

/** Returns a word quoted for a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
