// A service that asks for a key: a wrong one is told, the right one is kept.

import assert from "node:assert/strict";
import { join } from "node:path";
import { drawn, visit } from "../harness.mjs";

export async function key(browser, { locked, pictures }) {
  await visit(browser, locked, async function asksForTheKey(page) {
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    const dialog = page.getByRole("dialog", { name: "This service asks for a key" });
    const field = dialog.getByLabel("Key", { exact: true });
    await field.fill("a-wrong-key");
    await page.keyboard.press("Enter");
    await dialog.getByText("That key was not accepted.").waitFor();
    await field.fill("the-key-of-the-test");
    await dialog.getByRole("button", { name: "Go on" }).click();
    await drawn(page);

    await page.reload();
    await page.locator("#file").setInputFiles(join(pictures, "coffee.jpg"));
    await drawn(page);
    assert.equal(await dialog.isVisible(), false, "the key is kept");
  }, { excused: (words) => words.includes("status of 401") });
}
