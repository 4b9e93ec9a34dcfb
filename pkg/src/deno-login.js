/** Entry for Deno: logins. */

import "./deno.js";

export { logIn, LoginError } from "./oauth/log-in.js";
