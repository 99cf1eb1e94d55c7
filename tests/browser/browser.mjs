// Where the browser is. Run by itself it prints the place, or exits with 1.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PLACES = [
  process.env.SAKUGA_TEST_BROWSER,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The first that exists. @type {string | undefined} */
export const executablePath = PLACES.find((path) => path && existsSync(path));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(executablePath ?? "no Chromium found");
  process.exitCode = executablePath ? 0 : 1;
}
