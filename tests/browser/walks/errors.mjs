// What goes wrong is said in words, and what passes by itself is waited for.

import assert from "node:assert/strict";
import { join } from "node:path";
import { drawn, drop, noise, visit } from "../harness.mjs";

/** The browser itself notes each refused request. */
const refused = (words) => /status of (4|5)\d\d|net::ERR/.test(words);

export async function errors(browser, { url, pictures }) {
  const alert = (page) => page.getByRole("alert").filter({ visible: true });
  const clear = (words) => assert(words.length > 40 && !/undefined|\{|\[object/.test(words), `clear words, not: ${words}`);

  await visit(browser, url, async function refusesAText(page) {
    await drop(page, { name: "notes.txt", type: "text/plain", bytes: Buffer.from("no picture at all\n".repeat(40)) });
    const words = await alert(page).innerText();
    assert.match(words, /JPEG[^]*\.$/, "a sentence that names what is read");
    clear(words);
    await page.getByRole("button", { name: "Choose photos" }).waitFor();
    assert.equal(await page.locator("#work").isVisible(), false);
  }, { excused: refused });

  await visit(browser, url, async function explainsHeic(page) {
    await drop(page, { name: "IMG_0001.HEIC", type: "image/heic", bytes: Buffer.from("\0\0\0\x18ftypheic".repeat(20)) });
    const words = await alert(page).innerText();
    assert.match(words, /HEIC[^]*JPEG/);
    clear(words);
  });

  // This service takes 2 MB.
  await visit(browser, url, async function explainsTooLarge(page) {
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await drawn(page);
    await page.getByText("File, size and quality").click();
    await page.getByLabel("Shrink huge photos").uncheck();
    await drop(page, await noise(page, 2400, 1800));
    const words = await alert(page).innerText();
    assert.match(words, /too large/);
    clear(words);
    await page.getByLabel("Shrink huge photos").check();
    await drawn(page);
    assert.equal(await alert(page).count(), 0, "the way out that was named works");
  }, { excused: refused });

  await visit(browser, url, async function waitsForABusyService(page) {
    let times = 0;
    await page.route("**/v1/stylize", (route) => {
      times += 1;
      return route.fulfill({ status: times === 1 ? 429 : 503, headers: { "Retry-After": "1" }, body: "" });
    }, { times: 2 });
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await page.getByText(/The service is busy. Trying again in \d s/).waitFor();
    await drawn(page);
    assert.equal(times, 2, "it went on by itself");
  }, { excused: refused });

  await visit(browser, url, async function goesOnAfterABrokenLine(page) {
    await page.route("**/v1/stylize", (route) => route.abort("connectionreset"), { times: 1 });
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    clear(await alert(page).innerText());
    await page.getByRole("button", { name: "Try again" }).click();
    await drawn(page);
  }, { excused: refused });

  await visit(browser, url, async function stops(page) {
    await page.route("**/v1/stylize", () => {}, { times: 1 });
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped.").waitFor();
    await page.locator("#compare:not(.busy)").waitFor();
  });
}
