// Takes a named lock of a file, says so, and holds it for as long as it lives.
//
// holder.mjs PATH LOCK

import process from "node:process";

import { FileStore } from "credential-pool/file-store";

const [path, name] = process.argv.slice(2);
await new FileStore(path).lock(name, () => {
  console.log("held");
  return new Promise((resolve) => setTimeout(resolve, 60_000));
});
