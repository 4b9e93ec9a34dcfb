#!/usr/bin/env node
/** The command line: `npx credential-pool`. */

import process from "node:process";

import { run } from "./cli/program.js";

// Whoever reads may have seen enough: `credential-pool list | head -1`.
process.stdout.on("error", (error) => {
  if (!("code" in error && error.code === "EPIPE")) throw error;
});

process.exitCode = await run(process.argv.slice(2));
