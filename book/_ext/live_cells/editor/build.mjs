// Bundle index.js into ../editor.js: `make editor`. Run in a copy of this folder
// in which `npm ci` has been run; the one argument says where to write.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { build } from "esbuild";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const sum = createHash("sha256");
for (const name of ["index.js", "package-lock.json"]) sum.update(read(name));
const license = read("node_modules/@codemirror/view/LICENSE").trim();
await build({
  entryPoints: ["index.js"],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  banner: {
    js: `/* CodeMirror 6 and Lezer, for Python. Sources: editor/, sha256 ${sum.digest("hex")}\n\n${license}\n*/`,
  },
});
