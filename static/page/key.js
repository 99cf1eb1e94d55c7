// The key of a service that asks for one: kept until the tab is closed.

import { say } from "./words.js";

const KEPT = "sakuga-key";
let kept = null;
/** One dialog for all requests that wait for it. @type {Promise<void> | null} */
let asking = null;

export function key() {
  try {
    kept ??= sessionStorage.getItem(KEPT);
  } catch {
    // Without a storage it lasts as long as the page.
  }
  return kept;
}

/** Asks for a key other than `refused`; an abort of the visitor's ends the request. */
export function askKey(refused, signal) {
  // Another request may have asked meanwhile.
  if (kept !== refused) return Promise.resolve();
  asking ??= dialog(refused).finally(() => {
    asking = null;
  });
  return asking.then(() => signal?.throwIfAborted());
}

function dialog(refused) {
  const box = document.getElementById("key-dialog");
  const field = document.getElementById("key");
  document.getElementById("key-wrong").textContent = refused ? say("key-wrong") : "";
  field.value = "";
  box.returnValue = "";
  box.showModal();
  return new Promise((resolve, reject) => {
    box.addEventListener("close", () => {
      const given = field.value.trim();
      field.value = "";
      if (box.returnValue !== "send" || !given) return reject(new DOMException("no key", "AbortError"));
      kept = given;
      try {
        sessionStorage.setItem(KEPT, given);
      } catch {
        // As above.
      }
      resolve();
    }, { once: true });
  });
}
