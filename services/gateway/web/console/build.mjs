// Builds src into dist: TypeScript compiled, everything else copied as it is.
// With --check nothing is written; it fails when dist is not what src makes.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const dist = join(here, "dist");

function build(into) {
  rmSync(into, { recursive: true, force: true });
  cpSync(source, into, { recursive: true, filter: (path) => !path.endsWith(".ts") });
  const compiler = join(here, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "--outDir", into], {
    cwd: here,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
}

function drift(built) {
  const names = new Set([...readdirSync(built), ...readdirSync(dist)]);
  return [...names].sort().filter((name) => {
    try {
      return !readFileSync(join(built, name)).equals(readFileSync(join(dist, name)));
    } catch {
      return true;
    }
  });
}

if (process.argv.includes("--check")) {
  const scratch = mkdtempSync(join(tmpdir(), "lotse-console-"));
  const built = join(scratch, "dist");
  build(built);
  const differing = drift(built);
  rmSync(scratch, { recursive: true });
  if (differing.length > 0) {
    console.error(`dist is not what src makes; run npm run build: ${differing.join(", ")}`);
    process.exit(1);
  }
  console.log("dist is what src makes");
} else {
  build(dist);
}
