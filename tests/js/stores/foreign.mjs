// Another program of the reference's format, which knows nothing of stores: for every line it reads, it loads the file,
// changes what is its own, saves it, and prints a line.
//
// foreign.mjs PATH

import process from "node:process";
import { createInterface } from "node:readline";

import { load, parse, save } from "./reference.mjs";

const path = process.argv[2];
let n = 0;
for await (const _ of createInterface({ input: process.stdin })) {
  n += 1;
  const document = load(path);
  document.set("version", "1");
  document.set(`note ${n} – ü`, parse(`{"z": 1, "a": [], "big": 12345678901234567890${n}, "float": ${n}.0, "text": "\\ud83d\\ude00 / \\u0007 é"}`));
  document.get("providers").set(`p${n}`, parse(`{"tokens": {"access_token": "at-${n}", "zeta": null, "alpha": {}}}`));
  const pools = document.get("credential_pool");
  const rows = pools.get("openrouter");
  rows[0].set(`unknown_${n}`, parse(`{"b": ${n}e2, "a": "caf\\u00e9"}`));
  rows.push(parse(`{"id": "f${n}", "label": "na\\u00efve", "auth_type": "api_key", "priority": ${n}, "source": "manual",
    "access_token": "sk-f${n}", "last_status": null, "last_status_at": null, "last_error_code": null, "theirs": [1.50]}`));
  pools.set(`custom:c${n}`, [parse(`{"id": "x${n}", "access_token": "sk-x"}`)]);
  document.delete("updated_at");
  document.set("updated_at", JSON.stringify(new Date().toISOString()));
  save(path, document);
  console.log(n);
}
