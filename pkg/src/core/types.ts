/** All types of the wasm's inputs and answers. */

export type * from "./change.js";
export type * from "./entry.js";
export type * from "./event.js";
export type * from "./failure.js";
export type * from "./http.js";
export type * from "./intent.js";
export type * from "./lease.js";
export type * from "./limits.js";
export type * from "./login.js";
export type * from "./options.js";
export type * from "./policy.js";
export type * from "./problem.js";
export type * from "./step.js";
export type * from "./stored.js";
export type * from "./time.js";
export type * from "./verdict.js";
