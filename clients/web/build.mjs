// Builds the npm package into dist/, and the scripts that the server serves into the Python package.
// `node build.mjs FOLDER` writes the served scripts there instead: what the test compares.

import { build } from "esbuild";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const served = process.argv[2] ?? `${here}../../src/micromoments/server/scripts`;
const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* Micromoments in the browser. Apache-2.0 */" },
  logLevel: "warning",
};

await build({ ...common, format: "iife", entryPoints: { sdk: "src/snippet.ts", preferences: "src/preferences.ts" }, outdir: served });
if (!process.argv[2]) await build({ ...common, format: "esm", entryPoints: { index: "src/index.ts", preferences: "src/preferences.ts" }, outdir: "dist" });
