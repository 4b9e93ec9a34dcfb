/** The entry for Deno to logins. */

import "./deno.js";

export { logIn, LoginError } from "./login-runner.js";
