import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

export default defineConfig({
  // So that it works in whatever folder it lies.
  base: "./",
  resolve: { alias: { "credential-pool": new URL("../pkg/dist/browser.js", import.meta.url).pathname } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
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
      const others = ["index.html", "public/icon.svg", "public/manifest.webmanifest", "src/service-worker.js"];
      const version = createHash("sha256").update(files.join());
      for (const name of others) version.update(readFileSync(new URL(name, import.meta.url)));
      const source = readFileSync(new URL("src/service-worker.js", import.meta.url), "utf8")
        .replace("__VERSION__", version.digest("hex").slice(0, 12))
        .replace("__FILES__", JSON.stringify(["./", "icon.svg", "manifest.webmanifest", ...files]));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}
