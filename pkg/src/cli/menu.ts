/** The menu: asks a person for the words of a command, carries it out, and says which command it was. */

import process from "node:process";

import { type Place, poolsOf } from "./document.js";
import { asFailure, EXIT, Failure } from "./failure.js";
import { glances } from "./looks.js";
import { open } from "./opened.js";
import { Back, type Choice, choose, isSure, line } from "./prompt.js";
import { STRATEGIES } from "./settings.js";
import { plain, stateOf } from "./show.js";

/** What the menu works with. */
export interface Desk {
  place: Place;
  /** The words that say where the document is, as they may be shown. */
  whereabouts: readonly string[];
  /** Carries out the command that these words say, and shows what it answers. */
  carryOut: (words: readonly string[]) => Promise<void>;
  /** Shows what went wrong. */
  tell: (failure: Failure) => void;
}

/**
 * Lets a person choose pools and actions until they leave; answers the exit code.
 *
 * @throws {StoreError} `unreadable`, `invalid_document`: there is nothing to choose from.
 */
export async function menu(desk: Desk): Promise<number> {
  try {
    await reception(desk);
    return EXIT.done;
  } catch (error) {
    // Not a word: what was done before is written.
    if (error instanceof Failure && error.exit === EXIT.cancelled) return EXIT.cancelled;
    throw error;
  }
}

async function reception(desk: Desk): Promise<void> {
  for (;;) {
    const choices = [...await poolChoices(desk.place), ...ELSEWHERE];
    const chosen = await orBack(() => choose("What do you want to look after?", choices));
    if (chosen === undefined || chosen.type === "leave") return;
    await orTold(desk, async () => {
      if (chosen.type === "action") await done(desk, chosen.action, "");
      if (chosen.type === "pool") await inPool(desk, chosen.name);
      if (chosen.type === "new") await inPool(desk, await line(WHICH));
    });
  }
}

const WHICH = "Which pool (a provider such as openrouter, or custom:<name>)?";

/** A command, and how the words after it are asked for. */
interface Action {
  command: string;
  /** What it does, as a choice. */
  name: string;
  /** Whether it makes a pool that is not there. */
  makes?: true;
  words: (place: Place, pool: string) => Promise<string[]>;
}

type Chosen = { type: "pool"; name: string } | { type: "new" } | { type: "action"; action: Action } | { type: "leave" };

const ON_A_POOL: readonly Action[] = [
  { command: "list", name: "list its credentials", words: async (_, pool) => [pool] },
  {
    command: "explain",
    name: "explain who serves the next request",
    words: async (_, pool) => [pool, ...await option("--model", "For which model (Enter: any)?")],
  },
  {
    command: "add",
    name: "add a key",
    makes: true,
    words: async (_, pool) => [pool, ...await option("--label", "What to call it (Enter: choose for me)?")],
  },
  {
    command: "login",
    name: "log in, and add the login",
    makes: true,
    words: async (_, pool) => [
      pool,
      ...pool === "nous" ? [] : await option("--config", "The file with credential_pool_logins (Enter: none)?"),
    ],
  },
  {
    command: "reset",
    name: "reset: let resting and dead ones serve again",
    words: async (place, pool) => [pool, ...await credential(place, pool, [{ value: [], name: "all of them" }])],
  },
  {
    command: "move",
    name: "move one to another place in the order",
    words: async (place, pool) => [pool, ...await credential(place, pool), await placeIn(place, pool)],
  },
  {
    command: "strategy",
    name: "choose the strategy",
    words: async (_, pool) => [
      pool,
      await choose("Which serves next?", Object.entries(STRATEGIES).map(([value, description]) => ({
        value, name: `${value}: ${description}`,
      }))),
    ],
  },
  {
    command: "remove",
    name: "remove one",
    words: async (place, pool) => {
      const words = await credential(place, pool);
      if (!await isSure(`Remove ${plain(words.join(" "))} from ${plain(pool)} for good?`)) throw new Back();
      return [pool, ...words];
    },
  },
];

const ON_ALL: readonly Action[] = [
  { command: "list", name: "list all pools", words: async () => [] },
  { command: "check", name: "check the document", words: async () => [] },
  { command: "edit", name: "edit the document in the browser, until Ctrl-C", words: async () => [] },
  { command: "reset", name: "reset everything", words: async () => [] },
];

const ELSEWHERE: readonly Choice<Chosen>[] = [
  { value: { type: "new" }, name: "another pool" },
  ...ON_ALL.map((action) => ({ value: { type: "action", action } as const, name: action.name })),
  { value: { type: "leave" }, name: "leave" },
];

async function poolChoices(place: Place): Promise<Choice<Chosen>[]> {
  return (await glances(place)).map(({ key, line }) => ({ value: { type: "pool", name: key }, name: line }));
}

async function inPool(desk: Desk, name: string): Promise<void> {
  for (;;) {
    const document = await desk.place.read();
    const key = open(document, name).pool.key();
    const actions = ON_A_POOL.filter(({ makes }) => makes || poolsOf(document).includes(key));
    const choices = actions.map((action) => ({ value: action, name: action.name }));
    const action = await orBack(() => choose(`${plain(key)}:`, choices));
    if (action === undefined) return;
    await orTold(desk, () => done(desk, action, key));
  }
}

async function done({ place, whereabouts, carryOut }: Desk, { command, words }: Action, pool: string): Promise<void> {
  const all = [command, ...await words(place, pool)];
  await carryOut(all);
  const same = ["credential-pool", ...whereabouts, ...all].map(quoted).join(" ");
  process.stdout.write(`\nSame as: ${plain(same)}\n\n`);
}

async function option(name: string, question: string): Promise<string[]> {
  const said = await line(question);
  return said === "" ? [] : [name, said];
}

async function credential(place: Place, pool: string, others: readonly Choice<string[]>[] = []): Promise<string[]> {
  const now = Date.now();
  const choices = (await entriesOf(place, pool)).map(({ id, label, priority, state }) => ({
    value: [id], name: `${plain(`${priority}  ${label} (${id})`)}  ${stateOf(state, now)}`,
  }));
  if (choices.length > 0) return choose("Which credential?", [...choices, ...others]);
  throw new Failure(EXIT.missing, "unknown_credential", `${pool} has no credentials: add a key, or log in`);
}

async function placeIn(place: Place, pool: string): Promise<string> {
  const places = [...(await entriesOf(place, pool)).keys()].map(String);
  return choose("To which place (0: the first)?", places.map((value) => ({ value, name: value })));
}

async function entriesOf(place: Place, pool: string) {
  return open(await place.read(), pool).pool.entries().sort((one, other) => one.priority - other.priority);
}

/** Nothing, if the person went back. */
async function orBack<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Back) return undefined;
    throw error;
  }
}

/** After what a person can mend, the menu goes on. */
async function orTold({ tell }: Desk, action: () => Promise<void>): Promise<void> {
  try {
    await orBack(action);
  } catch (error) {
    const failure = asFailure(error);
    if (failure.exit === EXIT.cancelled || failure.exit === EXIT.fault) throw error;
    tell(failure);
  }
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
