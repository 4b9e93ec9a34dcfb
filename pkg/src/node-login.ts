/** Entry for Node and Bun: logins. */

import "./node.js";

export { logIn, LoginError, type LogInOptions, type LoginPrompt } from "./oauth/log-in.js";
