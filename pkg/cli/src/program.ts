/** The commands with their arguments, and the exit code. */

import { readFileSync } from "node:fs";
import process from "node:process";

import { Command, CommanderError } from "commander";

import { type Location, locationFor, type LocationOptions } from "./document.js";
import { edit, type EditOptions } from "./edit.js";
import { add, type AddOptions, move, remove, reset } from "./edits.js";
import { asFailure, EXIT, Failure, misuse } from "./failure.js";
import { AFTER, EXAMPLES } from "./help-text.js";
import { check, explain, list } from "./inspect.js";
import { login, type LoginCommandOptions } from "./login.js";
import { menu, type MenuContext } from "./menu.js";
import { type Output, printable } from "./output.js";
import { isTerminal } from "./prompt.js";
import { policy, strategy } from "./settings.js";

/** Runs the command line and returns the exit code. Failures are printed on stderr. */
export async function run(args: readonly string[]): Promise<number> {
  const result = { exit: EXIT.done as number };
  const program = programFor((output, isJson) => {
    print(output, isJson);
    result.exit = output.exit ?? EXIT.done;
  });
  try {
    if (isTerminal() && isBare(program, args)) return await menu(menuContext(program.opts<LocationOptions>()));
    await program.parseAsync(args, { from: "user" });
    return result.exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    // No command was given, and commander has printed the help.
    if (error instanceof CommanderError && error.code === "commander.help") return EXIT.misuse;
    const failure = error instanceof CommanderError ? fromParser(error) : asFailure(error);
    printFailure(failure, args.includes("--json"));
    return failure.exit;
  }
}

/** Returns whether the arguments contain no command, only the location of the document. */
function isBare(program: Command, args: readonly string[]): boolean {
  const { operands, unknown } = program.parseOptions([...args]);
  return operands.length === 0 && unknown.length === 0 && program.opts<{ json?: true }>().json !== true;
}

function menuContext(options: LocationOptions): MenuContext {
  const location = locationFor(options);
  return {
    location,
    locationArguments: Object.entries(options)
      .flatMap(([name, value]) => [`--${name}`, name === "redis" ? location.name : value]),
    printFailure: (failure) => printFailure(failure, false),
    async runCommand(args) {
      try {
        await programFor((output) => print(output, false), location).parseAsync(args, { from: "user" });
      } catch (error) {
        throw error instanceof CommanderError ? fromParser(error) : error;
      }
    },
  };
}

function print(output: Output, isJson: boolean): void {
  const lines = isJson ? [JSON.stringify(output.data, null, 2)] : output.lines;
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/**
 * Returns the parser of all commands.
 *
 * @param onOutput Receives the output of a command.
 * @param given Location of the document, in place of the location that the arguments name.
 */
function programFor(onOutput: (output: Output, isJson: boolean) => void, given?: Location): Command {
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

  const location = () => given ?? locationFor(program.opts<LocationOptions>());
  program.addHelpText("after", () => `\nThe document in use: ${location().name}`);

  const isJson = () => program.opts<{ json?: true }>().json === true;
  const handler = <Arguments extends unknown[]>(action: (location: Location, ...args: Arguments) => Promise<Output>) =>
    async (...args: Arguments) => onOutput(await action(location(), ...args), isJson());

  const command = (name: keyof typeof EXAMPLES, summary: string) =>
    program.command(name).description(summary).addHelpText("after", `\nExamples:\n${EXAMPLES[name]}`);

  command("list", "show one pool or all pools: each credential, its state, and why")
    .argument("[pool]", POOL)
    .action(handler(list));

  command("add", "add a credential; its key is asked for, or read from stdin")
    .argument("<pool>", `${POOL}; a missing pool is made`)
    .option("--label <text>", "its name")
    .option("--type <type>", "api-key or oauth", typeOf, "api-key")
    .option("--base-url <url>", "where its requests go, if not to the provider's own address")
    .option("--priority <place>", "its place in the order, 0 being the first (default: the last place)", positionOf)
    .option("--key-env <name>", "the environment variable that holds the key or access token")
    .option("--refresh-key-env <name>", "the environment variable that holds the refresh token of a login")
    .action(handler((location, pool: string, options: AddOptions) => add(location, pool, options)));

  command("login", "log in to a provider, with a code or in a browser, and add the login")
    .argument("<pool>", "nous, or a pool whose login is configured; a missing pool is made")
    .option("--label <text>", "its name (default: the person that the token names)")
    .option("--flow <flow>", "device_code or authorization_code, where the provider has both", flowOf)
    .option("--config <file>", "the host's configuration, as JSON, with credential_pool_logins")
    .option("--priority <place>", "its place in the order, 0 being the first (default: the last place)", positionOf)
    .action(handler((location, pool: string, options: LoginCommandOptions) =>
      login(location, pool, options, isJson())));

  command("remove", "remove a credential")
    .argument("<pool>", POOL)
    .argument("<credential>", CREDENTIAL)
    .action(handler(remove));

  command("move", "give a credential another place in the order")
    .argument("<pool>", POOL)
    .argument("<credential>", CREDENTIAL)
    .argument("<place>", "its new place, 0 being the first", positionOf)
    .action(handler(move));

  command("reset", "end cooldowns and revive dead credentials")
    .argument("[pool]", `${POOL}; all, if left out`)
    .argument("[credential]", `${CREDENTIAL}; all, if left out`)
    .action(handler(reset));

  command("strategy", "show or set the order in which credentials are chosen")
    .argument("<pool>", POOL)
    .argument("[name]", "fill_first, round_robin, random, least_used or least_in_flight")
    .action(handler(strategy));

  command("policy", "show or set the effect of failures")
    .argument("<pool>", POOL)
    .argument("[policy]", "a preset and the fields that differ from it, as JSON, or @FILE")
    .action(handler(policy));

  command("check", "show the problems of the document")
    .action(handler((location) => check(location)));

  command("explain", "show why each credential would or would not serve a request")
    .argument("<pool>", POOL)
    .option("--model <model>", "the model of the request")
    .action(handler((location, pool: string, { model }: { model?: string }) => explain(location, pool, model)));

  command("edit", "edit the document in the browser, until Ctrl-C")
    .option("--port <port>", "the port on 127.0.0.1 (default: any free port)", portOf)
    .option("--no-open", "print the address, and open no browser")
    .action((options: EditOptions) => edit(location(), options, (output) => onOutput(output, isJson())));

  return program;
}

const POOL = "a provider such as openrouter, or custom:<name>";
const CREDENTIAL = "its id or its label, as `list` shows them";

function positionOf(word: string): number {
  if (/^\d{1,9}$/.test(word)) return Number(word);
  throw misuse("invalid_argument", "a place in the order is a number, 0 being the first");
}

function portOf(word: string): number {
  const port = Number(word);
  if (/^\d{1,5}$/.test(word) && port <= 65_535) return port;
  throw misuse("invalid_argument", "a port is a number up to 65535; 0 stands for any free port");
}

function typeOf(word: string): AddOptions["type"] {
  if (word === "api-key" || word === "oauth") return word;
  throw misuse("invalid_argument", "the type of a credential is api-key or oauth");
}

function flowOf(word: string): NonNullable<LoginCommandOptions["flow"]> {
  if (word === "device_code" || word === "authorization_code") return word;
  throw misuse("invalid_argument", "the flow of a login is device_code or authorization_code");
}

/** Returns the parser's error without the unknown argument, which may be a key. */
function fromParser({ code, message }: CommanderError): Failure {
  const [first = "", ...suggestion] = message.replace(/^error: /, "").replace(/\.$/, "").split("\n");
  const warning = first.includes("'add'") ? ". A key is never an argument, which other users could see" : "";
  const commands = Object.keys(EXAMPLES).join(", ");
  const [text, name = "misuse"] = {
    "commander.unknownOption": ["there is no such option", "unknown_option"],
    "commander.unknownCommand": [`there is no such command; the commands are ${commands}`, "unknown_command"],
    "commander.excessArguments": [first + warning, "excess_arguments"],
    "commander.missingArgument": [first, "missing_argument"],
    "commander.optionMissingArgument": [first, "missing_argument"],
  }[code] ?? ["the arguments cannot be parsed", "misuse"];
  return misuse(name, [text, ...suggestion].join(" ") + "; see --help");
}

function printFailure({ code, message, details }: Failure, isJson: boolean): void {
  const error = { code, message, ...details };
  const lines = message.split("\n").map(printable).join("\n");
  process.stderr.write(isJson ? `${JSON.stringify({ error }, null, 2)}\n` : `credential-pool: ${lines}\n`);
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
