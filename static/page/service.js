// The service as the page sees it: its models, a drawing, a sheet of all looks.

import { key, askKey } from "./key.js";
import { problemOf, unreachable } from "./problem.js";

/** Waits for a busy service at most this often. */
const MOST_TRIES = 20;
/** Seconds between two tries, whatever the service asks for. */
const LONGEST_WAIT = 60;
/** Bytes from which a dead line may well be a refused upload. */
const LARGE = 10e6;

/** Every model's card, and the name of the default one. */
export async function models() {
  const { body } = await send("GET", "v1/models", { kind: "json" });
  return body;
}

/**
 * Draws a photo; waits and tries again where the service is busy.
 * `tell(state, parts)` hears how it goes: sending, drawing, busy.
 */
export async function stylize(photo, fields, { signal, tell }) {
  for (let tries = 1; ; tries++) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("image", photo, photo.name ?? "photo");
    try {
      const { body } = await send("POST", "v1/stylize", { form, size: photo.size, signal, tell });
      return body;
    } catch (error) {
      if (!error.retryAfter || tries === MOST_TRIES) throw error;
      await wait(error.retryAfter, signal, tell);
    }
  }
}

/** The photo and every style on one picture, and the styles in its order. */
export async function sheet(photo, fields, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("image", photo, "photo");
  const { body, header } = await send("POST", "v1/sheet", { form, size: photo.size, signal });
  return { picture: body, styles: (header("X-Sakuga-Styles") ?? "").split(",") };
}

/** Counts the seconds down; a signal cuts them short. */
async function wait(seconds, signal, tell) {
  for (let left = Math.min(seconds, LONGEST_WAIT); left > 0; left--) {
    tell?.("busy", { seconds: left });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    signal?.throwIfAborted();
  }
}

/** One request; asks the visitor for a key where the service wants one. */
async function send(method, path, options) {
  for (;;) {
    const shown = key();
    const answer = await request(method, path, shown, options);
    if (answer.status === 401) {
      await askKey(shown, options.signal);
      continue;
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    const text = answer.body instanceof Blob ? await answer.body.text() : JSON.stringify(answer.body);
    let document = null;
    try {
      document = JSON.parse(text);
    } catch {
      // Something between the page and the service answered in its own words.
    }
    const problem = problemOf(answer.status, document);
    if (answer.status === 429 || answer.status === 503) {
      problem.retryAfter = Math.max(Math.ceil(Number(answer.header("Retry-After"))) || 2, 1);
    }
    throw problem;
  }
}

/** XMLHttpRequest, since only it tells how much of a photo is sent. */
function request(method, path, key, { form, size = 0, kind = "blob", signal, tell }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const call = new XMLHttpRequest();
    const stop = () => call.abort();
    call.open(method, path);
    call.responseType = kind;
    if (key) call.setRequestHeader("X-API-Key", key);
    call.upload.onprogress = (event) => tell?.("sending", { percent: Math.round((100 * event.loaded) / event.total) });
    call.upload.onload = () => tell?.("drawing", {});
    call.onload = () => resolve({ status: call.status, body: call.response, header: (name) => call.getResponseHeader(name) });
    call.onerror = () => reject(unreachable(size > LARGE));
    call.onabort = () => reject(new DOMException("stopped", "AbortError"));
    call.onloadend = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop, { once: true });
    call.send(form);
  });
}
