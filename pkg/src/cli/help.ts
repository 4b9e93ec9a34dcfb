/** What --help teaches. */

/** Each command, as it is used. */
export const EXAMPLES = {
  list: `  credential-pool list
  credential-pool list openrouter --json`,
  add: `  credential-pool add openrouter --label work             # asks for the key, and does not show it
  pass show openrouter | credential-pool add openrouter   # reads it from stdin
  credential-pool add openrouter --key-env WORK_KEY --priority 0
  credential-pool add anthropic --type oauth              # access token, then refresh token: two lines
  credential-pool add custom:local --base-url http://localhost:8080/v1`,
  login: `  credential-pool login nous                              # shows a code and where to enter it, and waits
  credential-pool login custom:box --config config.json   # how, says its credential_pool_logins
  credential-pool login custom:box --config config.json --flow device_code --label work`,
  remove: `  credential-pool remove openrouter work
  credential-pool remove openrouter a1b2c3`,
  move: `  credential-pool move openrouter work 0                  # from now on the first`,
  reset: `  credential-pool reset                                   # everything
  credential-pool reset openrouter
  credential-pool reset openrouter work`,
  strategy: `  credential-pool strategy openrouter
  credential-pool strategy openrouter round_robin`,
  policy: `  credential-pool policy openrouter                       # what differs from the preset
  credential-pool policy openrouter --json                # with all that the preset says
  credential-pool policy openrouter '{"failures": {"quota": {"cooldown_ms": 600000}}}'
  credential-pool policy openrouter @policy.json`,
  check: `  credential-pool check
  credential-pool check --document copy.json --json`,
  edit: `  credential-pool edit                                    # opens the page in the browser, until Ctrl-C
  credential-pool edit --document copy.json --port 8081
  credential-pool edit --no-open --json                   # {"document", "url", "port"}, and then serves`,
  explain: `  credential-pool explain openrouter
  credential-pool explain anthropic --model opus`,
};

/** What holds for all commands. */
export const AFTER = `
Without a command it opens a menu, on a terminal: choose a pool and what to do with it. The menu names the
command that does the same. Esc goes back, Ctrl-C ends it; what was answered only in part is not written.

Examples:
  credential-pool                                         # the menu
  credential-pool list                                    # what there is, how it is doing, and why
  credential-pool add openrouter --label work             # asks for the key, and does not show it
  credential-pool login nous                              # shows a code and where to enter it, and waits
  credential-pool explain openrouter                      # who would serve the next request
  credential-pool reset openrouter work                   # let it serve again at once
  credential-pool edit                                    # all of it, in the browser

Keys come from a prompt, stdin or an environment variable, and are never shown: lists name them by a
fingerprint. Running hosts see a change when they next read the document. NO_COLOR turns colours off.
Pools in Redis: --redis redis://host:6379, or CREDENTIAL_POOL_REDIS, which others do not see.

Exit codes:
  0  done
  1  the document has errors (check), or what was asked for is not there
  2  what was given cannot be used; or no command was given, and there is no terminal for the menu
  3  the document could not be read or written; nothing was written, unless the message says otherwise
  4  the login did not come about: denied, too late, or the provider refused or did not answer
  70 a fault of this program
  130 cancelled with Ctrl-C; what was asked for is not written`;
