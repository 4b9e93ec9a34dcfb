/** The entry for Node and Bun to logins. */

import "./node.js";

export { logIn, LoginError, type LogInOptions, type LoginPrompt } from "./login-runner.js";
