// Huge photos are made smaller before they are sent, if the visitor leaves that on.

import assert from "node:assert/strict";
import { drawn, drop, noise, redrawn, visit } from "../harness.mjs";

export async function upload(browser, { url }) {
  await visit(browser, url, async function shrinks(page) {
    await page.evaluate(() => {
      window.sizes = [];
      const { send } = XMLHttpRequest.prototype;
      XMLHttpRequest.prototype.send = function (form) {
        if (form?.has("strength")) window.sizes.push(form.get("image").size);
        return send.call(this, form);
      };
    });
    const photo = await noise(page, 1400, 1000);
    assert(photo.bytes.length > 500_000, "the photo is huge");
    await drop(page, photo);
    await drawn(page);
    await page.getByText("File, size and quality").click();
    await redrawn(page, () => page.getByLabel("Shrink huge photos").uncheck());
    const [small, whole, more] = await page.evaluate(() => window.sizes);
    assert(small > 1_000 && small < 200_000, `a small copy is sent (${small} bytes)`);
    assert.equal(whole, photo.bytes.length, "the photo itself is sent");
    assert.equal(more, undefined);
  });
}
