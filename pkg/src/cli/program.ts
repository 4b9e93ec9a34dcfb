/** The commands, their arguments, and how the program ends. */

import { readFileSync } from "node:fs";
import process from "node:process";

import { Command, CommanderError } from "commander";

import { type Place, placeFor, type Said } from "./document.js";
import { edit, type EditWords } from "./edit.js";
import { add, type Added, move, remove, reset } from "./edits.js";
import { asFailure, EXIT, Failure, misuse } from "./failure.js";
import { AFTER, EXAMPLES } from "./help.js";
import { login, type LoginWords } from "./login.js";
import { check, explain, list } from "./looks.js";
import { type Desk, menu } from "./menu.js";
import { isTerminal } from "./prompt.js";
import { policy, strategy } from "./settings.js";
import { type Answer, plain } from "./show.js";

/** Runs the command line; answers the exit code. Whatever goes wrong is told on stderr. */
export async function run(words: readonly string[]): Promise<number> {
  const ending = { exit: EXIT.done as number };
  const program = programFor((answer, isJson) => {
    show(answer, isJson);
    ending.exit = answer.exit ?? EXIT.done;
  });
  try {
    if (isTerminal() && isBare(program, words)) return await menu(deskFor(program.opts<Said>()));
    await program.parseAsync(words, { from: "user" });
    return ending.exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    // Help was shown, since no command was given.
    if (error instanceof CommanderError && error.code === "commander.help") return EXIT.misuse;
    const failure = error instanceof CommanderError ? fromParser(error) : asFailure(error);
    tell(failure, words.includes("--json"));
    return failure.exit;
  }
}

/** Whether the words say at most where the document is. */
function isBare(program: Command, words: readonly string[]): boolean {
  const { operands, unknown } = program.parseOptions([...words]);
  return operands.length === 0 && unknown.length === 0 && program.opts<{ json?: true }>().json !== true;
}

function deskFor(said: Said): Desk {
  const place = placeFor(said);
  return {
    place,
    whereabouts: Object.entries(said).flatMap(([name, word]) => [`--${name}`, name === "redis" ? place.name : word]),
    tell: (failure) => tell(failure, false),
    async carryOut(words) {
      try {
        await programFor((answer) => show(answer, false), place).parseAsync(words, { from: "user" });
      } catch (error) {
        throw error instanceof CommanderError ? fromParser(error) : error;
      }
    },
  };
}

function show(answer: Answer, isJson: boolean): void {
  const lines = isJson ? [JSON.stringify(answer.data, null, 2)] : answer.lines;
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/** The words of commands; each gets the document, which they may say themselves, and answers. */
function programFor(say: (answer: Answer, isJson: boolean) => void, given?: Place): Command {
  const program = new Command("credential-pool")
    .description("Looks after the credentials of an agent host: several API keys and logins for one provider.")
    .version(version())
    .option("--document <path>", "the document (default: auth.json in $HERMES_HOME, else in ~/.hermes)")
    .option("--redis <url>", "pools in Redis instead; a URL with a password belongs in CREDENTIAL_POOL_REDIS")
    .option("--json", "answer as JSON, for scripts; errors too, on stderr")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .addHelpText("after", AFTER)
    .exitOverride();

  const place = () => given ?? placeFor(program.opts<Said>());
  program.addHelpText("after", () => `\nThe document in use: ${place().name}`);

  const isJson = () => program.opts<{ json?: true }>().json === true;
  const answering = <Arguments extends unknown[]>(action: (place: Place, ...words: Arguments) => Promise<Answer>) =>
    async (...words: Arguments) => say(await action(place(), ...words), isJson());

  const command = (name: keyof typeof EXAMPLES, summary: string) =>
    program.command(name).description(summary).addHelpText("after", `\nExamples:\n${EXAMPLES[name]}`);

  command("list", "show all pools, or one: what there is, how it is doing, and why")
    .argument("[pool]", POOL)
    .action(answering(list));

  command("add", "add a credential; its key is asked for, or read from stdin")
    .argument("<pool>", `${POOL}; a new one is made`)
    .option("--label <text>", "what to call it")
    .option("--type <type>", "api-key or oauth", typeOf, "api-key")
    .option("--base-url <url>", "where its requests go, if not to the provider's own address")
    .option("--priority <place>", "its place in the order, 0 being the first (default: the last)", placeOf)
    .option("--key-env <name>", "the environment variable that holds the key or access token")
    .option("--refresh-key-env <name>", "the environment variable that holds the refresh token of a login")
    .action(answering((place, pool: string, options: Added) => add(place, pool, options)));

  command("login", "log in to a provider, with a code or in a browser, and add the login")
    .argument("<pool>", "nous, or one that the configuration says how to log in to; a new one is made")
    .option("--label <text>", "what to call it (default: whom the token names)")
    .option("--flow <flow>", "device_code or authorization_code, where the provider has both", flowOf)
    .option("--config <file>", "the host's configuration, as JSON: its credential_pool_logins say how logins are made")
    .option("--priority <place>", "its place in the order, 0 being the first (default: the last)", placeOf)
    .action(answering((place, pool: string, words: LoginWords) => login(place, pool, words, isJson())));

  command("remove", "remove a credential")
    .argument("<pool>", POOL)
    .argument("<credential>", CREDENTIAL)
    .action(answering(remove));

  command("move", "give a credential another place in the order")
    .argument("<pool>", POOL)
    .argument("<credential>", CREDENTIAL)
    .argument("<place>", "its new place, 0 being the first", placeOf)
    .action(answering(move));

  command("reset", "let credentials serve again that rest or are dead")
    .argument("[pool]", `${POOL}; all, if left out`)
    .argument("[credential]", `${CREDENTIAL}; all, if left out`)
    .action(answering(reset));

  command("strategy", "show or set how the next credential is chosen")
    .argument("<pool>", POOL)
    .argument("[name]", "fill_first, round_robin, random, least_used or least_in_flight")
    .action(answering(strategy));

  command("policy", "show or set how failures are judged")
    .argument("<pool>", POOL)
    .argument("[policy]", "a preset and what differs from it, as JSON, or @FILE")
    .action(answering(policy));

  command("check", "look for what is wrong in the document")
    .action(answering((place) => check(place)));

  command("explain", "say why each credential would or would not serve a request")
    .argument("<pool>", POOL)
    .option("--model <model>", "the model that the request asks for")
    .action(answering((place, pool: string, { model }: { model?: string }) => explain(place, pool, model)));

  command("edit", "edit the document in the browser, until Ctrl-C")
    .option("--port <port>", "the port on 127.0.0.1 (default: any that is free)", portOf)
    .option("--no-open", "do not open a browser, only show the address")
    .action((words: EditWords) => edit(place(), words, (answer) => say(answer, isJson())));

  return program;
}

const POOL = "a provider such as openrouter, or custom:<name>";
const CREDENTIAL = "its id or its label, as `list` shows them";

function placeOf(word: string): number {
  if (/^\d{1,9}$/.test(word)) return Number(word);
  throw misuse("invalid_argument", "a place in the order is a number, 0 being the first");
}

function portOf(word: string): number {
  const port = Number(word);
  if (/^\d{1,5}$/.test(word) && port <= 65_535) return port;
  throw misuse("invalid_argument", "a port is a number up to 65535, 0 being any that is free");
}

function typeOf(word: string): Added["type"] {
  if (word === "api-key" || word === "oauth") return word;
  throw misuse("invalid_argument", "the type of a credential is api-key or oauth");
}

function flowOf(word: string): NonNullable<LoginWords["flow"]> {
  if (word === "device_code" || word === "authorization_code") return word;
  throw misuse("invalid_argument", "the flow of a login is device_code or authorization_code");
}

/** What the parser says, without the word that it does not know: it may be a key. */
function fromParser({ code, message }: CommanderError): Failure {
  const [first = "", ...suggestion] = message.replace(/^error: /, "").replace(/\.$/, "").split("\n");
  const warning = first.includes("'add'") ? ". A key is never an argument, where others would see it" : "";
  const commands = Object.keys(EXAMPLES).join(", ");
  const [what, name = "misuse"] = {
    "commander.unknownOption": ["there is no such option", "unknown_option"],
    "commander.unknownCommand": [`there is no such command; the commands are ${commands}`, "unknown_command"],
    "commander.excessArguments": [first + warning, "excess_arguments"],
    "commander.missingArgument": [first, "missing_argument"],
    "commander.optionMissingArgument": [first, "missing_argument"],
  }[code] ?? ["this cannot be understood", "misuse"];
  return misuse(name, [what, ...suggestion].join(" ") + "; --help says more");
}

function tell({ code, message, details }: Failure, isJson: boolean): void {
  const error = { code, message, ...details };
  const lines = message.split("\n").map(plain).join("\n");
  process.stderr.write(isJson ? `${JSON.stringify({ error }, null, 2)}\n` : `credential-pool: ${lines}\n`);
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
