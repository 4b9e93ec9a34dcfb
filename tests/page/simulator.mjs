// Bundles the simulator of the page, which is TypeScript, for Node.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "../../www/node_modules/vite/dist/node/index.js";

/** Returns the module `simulation/comparison.ts`, bundled with the package's core for Node. */
export async function bundled() {
  const folder = await mkdtemp(join(tmpdir(), "simulation-"));
  after(() => rm(folder, { recursive: true }));
  const core = new URL("../../pkg/dist/node.js", import.meta.url);
  await build({
    configFile: false,
    logLevel: "error",
    resolve: { alias: { "credential-pool": core.href } },
    build: {
      target: "es2022",
      lib: { entry: fileURLToPath(new URL("../../www/src/simulation/comparison.ts", import.meta.url)), formats: ["es"], fileName: () => "comparison.mjs" },
      outDir: folder,
      rollupOptions: { external: [core.href] },
    },
  });
  return import(pathToFileURL(join(folder, "comparison.mjs")).href);
}
