import { defineConfig } from "vite";

export default defineConfig({
  // So that it works in whatever folder it lies.
  base: "./",
  resolve: { alias: { "credential-pool": new URL("../pkg/dist/browser.js", import.meta.url).pathname } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
  },
  worker: { format: "es" },
});
