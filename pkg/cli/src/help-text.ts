/** Texts of --help. */

/** Examples of each command. */
export const EXAMPLES = {
  list: `  credential-pool list
  credential-pool list openrouter --json`,
  add: `  credential-pool add openrouter --label work             # asks for the key, and does not show it
  pass show openrouter | credential-pool add openrouter   # reads it from stdin
  credential-pool add openrouter --key-env WORK_KEY --priority 0
  credential-pool add anthropic --type oauth              # access token, then refresh token: two lines
  credential-pool add custom:local --base-url http://localhost:8080/v1`,
  login: `  credential-pool login nous                              # shows a code and where to enter it, and waits
  credential-pool login custom:box --config config.json   # as its credential_pool_logins configure
  credential-pool login custom:box --config config.json --flow device_code --label work`,
  remove: `  credential-pool remove openrouter work
  credential-pool remove openrouter a1b2c3`,
  move: `  credential-pool move openrouter work 0                  # first in the order`,
  reset: `  credential-pool reset                                   # everything
  credential-pool reset openrouter
  credential-pool reset openrouter work`,
  strategy: `  credential-pool strategy openrouter
  credential-pool strategy openrouter round_robin`,
  policy: `  credential-pool policy openrouter                       # the fields that differ from the preset
  credential-pool policy openrouter --json                # with all fields of the preset
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

/** Text about all commands. */
export const AFTER = `
Without a command, a terminal shows a menu: choose a pool and an action. The menu names the command that does
the same. Esc goes back, Ctrl-C ends the menu; unfinished actions write nothing.

Examples:
  credential-pool                                         # the menu
  credential-pool list                                    # all credentials with their states, and why
  credential-pool add openrouter --label work             # asks for the key, and does not show it
  credential-pool login nous                              # shows a code and where to enter it, and waits
  credential-pool explain openrouter                      # which credential serves the next request
  credential-pool reset openrouter work                   # end its cooldown at once
  credential-pool edit                                    # the whole document, in the browser

Keys come from a prompt, stdin or an environment variable, and are never shown: lists show a fingerprint of
each key. Running hosts see a change when they next read the document. NO_COLOR turns colours off.
Pools in Redis: --redis redis://host:6379, or CREDENTIAL_POOL_REDIS, which other users cannot see.

Exit codes:
  0  done
  1  the document has errors (check), or a named pool, credential or document does not exist
  2  unusable arguments or input; or no command, and no terminal for the menu
  3  the document could not be read or written; nothing was written, unless the message says otherwise
  4  the login failed: denied, timed out, or the provider refused or did not respond
  70 a fault of this program
  130 cancelled with Ctrl-C; nothing was written`;
