// The rules of `typescript.rs`, for dependency-cruiser.

/** Modules that the build makes; they are not there before it. */
const GENERATED = "/credential_pool(_bg)?[.](js|wasm)";
/** Packages that are resolved by a bundler's alias, or by an installation. */
const PACKAGES = "^[^./]";

module.exports = {
  forbidden: [
    {
      name: "no circles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "core is the ground",
      comment: "The wasm imports these modules, so that an import of the wasm would be a circle as well.",
      severity: "error",
      from: { path: "^pkg/src/core/" },
      to: { pathNot: "^pkg/src/core/" },
    },
    {
      name: "stores and logins know no host",
      severity: "error",
      from: { path: "^pkg/src/(stores|oauth|http)/([^/]+)$" },
      to: { path: "^pkg/src/", pathNot: "^pkg/src/(core|http|$1)/" },
    },
    {
      name: "every import is resolved",
      comment: "An import that is not resolved could hide a circle.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: [GENERATED, PACKAGES] },
    },
  ],
  options: {
    // swc keeps type imports; the API that tsc offered to other tools ended with TypeScript 6.
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: ["node_modules", "/dist/"] },
    enhancedResolveOptions: { extensions: [".ts", ".js", ".mjs"] },
  },
};
