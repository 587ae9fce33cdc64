// What the tests stand on: a browser, and a gateway.
//
// LOTSE_CONSOLE_URL and LOTSE_PUBLIC_URL name a running one (`lotse up --demo`), with an open
// survey link's token in LOTSE_SURVEY_TOKEN; without them a gateway over faked services is started.
// LOTSE_CHROMIUM is the browser, /usr/bin/chromium by default; LOTSE_SCREENSHOTS the folder for
// pictures, a temporary one by default.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));

export const isFaked = process.env.LOTSE_CONSOLE_URL === undefined;

/** The addresses of a gateway, and how to let it go. */
export async function gateway() {
  if (!isFaked) {
    return {
      console: process.env.LOTSE_CONSOLE_URL,
      public: process.env.LOTSE_PUBLIC_URL,
      token: process.env.LOTSE_SURVEY_TOKEN,
      stop: () => {},
    };
  }
  const cargo = ["run", "--quiet", "--locked", "-p", "lotse-gateway", "--example", "fake"];
  const server = spawn("cargo", cargo, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const found = {};
  for await (const line of createInterface({ input: server.stdout })) {
    const [name, url] = line.split(" ");
    found[name] = url;
    if (found.console && found.public) break;
  }
  if (!found.public) throw new Error("the faked gateway did not start");
  return { ...found, token: "open", stop: () => server.stdin.end() };
}

/** A browser of its own, with an empty profile. */
export function browser() {
  return chromium.launch({
    executablePath: process.env.LOTSE_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

let folder;

/** Where a picture of this name goes. */
export function picture(name) {
  folder ??= process.env.LOTSE_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "lotse-browser-"));
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.png`);
}
