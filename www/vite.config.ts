import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  // So that it works in whatever folder it lies.
  base: "./",
  resolve: { alias: { "credential-pool": new URL("../pkg/dist/browser.js", import.meta.url).pathname } },
  build: {
    target: "es2022",
    // What it would fetch beside a module is less than its code.
    modulePreload: false,
    assetsInlineLimit: 0,
    // The core for "Try it" is loaded when that is opened.
    chunkSizeWarningLimit: 2000,
  },
  plugins: [offline()],
});

/** Writes the service worker, with the names of all that it keeps. */
function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => name.startsWith("assets/")).sort();
      // The names of assets tell their content; what else there is tells by its own.
      const shown = readdirSync(new URL("public", import.meta.url)).sort();
      const others = ["index.html", "src/service-worker.js", ...shown.map((name) => `public/${name}`)];
      const version = createHash("sha256").update(files.join());
      for (const name of others) version.update(readFileSync(new URL(name, import.meta.url)));
      const source = readFileSync(new URL("src/service-worker.js", import.meta.url), "utf8")
        .replace("__VERSION__", version.digest("hex").slice(0, 12))
        .replace("__FILES__", JSON.stringify(["./", ...shown, ...files]));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}
