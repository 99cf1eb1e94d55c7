// Walks through the web page as visitors do, in a real browser:
//   node page.mjs URL LOCKED_URL PICTURES
// Exits with 1 and says what was wrong, if anything was.

import assert from "node:assert/strict";
import { start } from "./harness.mjs";
import { access } from "./walks/access.mjs";
import { compare } from "./walks/compare.mjs";
import { errors } from "./walks/errors.mjs";
import { key } from "./walks/key.mjs";
import { looks } from "./walks/looks.mjs";
import { saving } from "./walks/saving.mjs";
import { several } from "./walks/several.mjs";
import { taste } from "./walks/taste.mjs";
import { upload } from "./walks/upload.mjs";
import { ways } from "./walks/ways.mjs";

const [url, locked, pictures] = process.argv.slice(2);
assert(url && locked && pictures, "usage: node page.mjs URL LOCKED_URL PICTURES");

const only = process.env.SAKUGA_WALK;
const browser = await start();
try {
  for (const walk of [ways, several, compare, looks, saving, upload, errors, key, taste, access]) {
    if (only && walk.name !== only) continue;
    await walk(browser, { url, locked, pictures });
  }
  console.log("the page works");
} finally {
  await browser.close();
}
