#!/usr/bin/env node
/** Entry of the command `credential-pool`. */

import process from "node:process";

import { run } from "./program.js";

// The reader may close the pipe early: `credential-pool list | head -1`.
process.stdout.on("error", (error) => {
  if (!("code" in error && error.code === "EPIPE")) throw error;
});

process.exitCode = await run(process.argv.slice(2));
