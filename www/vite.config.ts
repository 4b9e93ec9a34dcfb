import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  // Relative URLs: the page works in any folder.
  base: "./",
  resolve: { alias: { "credential-pool": new URL("../pkg/dist/browser.js", import.meta.url).pathname } },
  build: {
    target: "es2022",
    // The preload helper is larger than the time it would save.
    modulePreload: false,
    assetsInlineLimit: 0,
    // The core for “Try it” is large, and is loaded only when that view is opened.
    chunkSizeWarningLimit: 2000,
  },
  plugins: [offline()],
});

/** Writes the service worker with a version and the list of files that it caches. */
function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => name.startsWith("assets/")).sort();
      // Names of assets contain a hash of their content; other files are hashed here.
      const publicFiles = readdirSync(new URL("public", import.meta.url)).sort();
      const others = ["index.html", "src/shell/service-worker.js", ...publicFiles.map((name) => `public/${name}`)];
      const version = createHash("sha256").update(files.join());
      for (const name of others) version.update(readFileSync(new URL(name, import.meta.url)));
      const source = readFileSync(new URL("src/shell/service-worker.js", import.meta.url), "utf8")
        .replace("__VERSION__", version.digest("hex").slice(0, 12))
        .replace("__FILES__", JSON.stringify(["./", ...publicFiles, ...files]));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}
