// Draws what is in the album as the settings say: the photo on the stage
// first, the others in their turn.

import { Problem, unreachable } from "./problem.js";
import { stylize } from "./service.js";
import { shrink } from "./shrink.js";

/** Requests at once: one photo is sent while another is drawn. */
const AT_ONCE = 2;
/** Milliseconds that a control rests before its drawing is asked for. */
const REST = 250;

export class Studio {
  /** @type {Map<import("./album.js").Frame, {key: string, stop: AbortController}>} */
  #running = new Map();
  #rest = 0;

  constructor(album, settings) {
    this.album = album;
    this.settings = settings;
    album.addEventListener("change", () => this.#work());
    settings.addEventListener("change", () => {
      clearTimeout(this.#rest);
      this.#rest = setTimeout(() => this.#renew(), REST);
    });
  }

  /** Forgets that it failed or was stopped. */
  again(frame) {
    this.#set(frame, "waiting", { problem: null, halted: null });
  }

  stop(frame) {
    this.#running.get(frame)?.stop.abort();
    this.#set(frame, frame.drawing ? "done" : "stopped", { halted: this.#key() });
  }

  #key() {
    return JSON.stringify([this.settings.fields(), this.settings.enough]);
  }

  /** New settings: what is drawn otherwise waits for its turn again. */
  #renew() {
    const key = this.#key();
    for (const frame of this.album.frames) {
      const running = this.#running.get(frame);
      if (running && running.key !== key) running.stop.abort();
      if (frame.problem?.words !== "heic") {
        Object.assign(frame, { state: frame.drawing?.key === key ? "done" : "waiting", problem: null, halted: null });
      }
    }
    this.album.changed();
  }

  #work() {
    const key = this.#key();
    for (const [frame, { stop }] of this.#running) {
      if (frame.removed) stop.abort();
    }
    const current = this.album.current;
    const wanted = [current, ...this.album.frames.filter((frame) => frame !== current)].filter(
      (frame) =>
        frame && frame.state === "waiting" && frame.drawing?.key !== key && frame.halted !== key && !this.#running.has(frame),
    );
    for (const frame of wanted.slice(0, AT_ONCE - this.#running.size)) this.#draw(frame, key);
  }

  async #draw(frame, key) {
    const stop = new AbortController();
    this.#running.set(frame, { key, stop });
    const start = performance.now();
    try {
      // Told in the next turn: a frame that starts is a change of the album too.
      await null;
      this.#set(frame, "sending", { parts: { percent: 0 }, since: start });
      const fields = this.settings.fields();
      const enough = this.settings.enough;
      const photo = enough ? await shrink(frame.file, enough) : frame.file;
      stop.signal.throwIfAborted();
      const blob = await stylize(photo ?? frame.file, fields, {
        signal: stop.signal,
        tell: (state, parts) => this.#set(frame, state, { parts }),
      });
      const drawing = await shown(blob);
      if (stop.signal.aborted) return URL.revokeObjectURL(drawing.url);
      if (frame.drawing) URL.revokeObjectURL(frame.drawing.url);
      frame.drawing = { ...drawing, key, blob, seconds: (performance.now() - start) / 1000 };
      Object.assign(frame, { state: "done", problem: null });
    } catch (error) {
      if (!stop.signal.aborted) this.#fail(frame, error);
    } finally {
      this.#running.delete(frame);
      this.album.changed(frame);
    }
  }

  #fail(frame, error) {
    if (error.name === "AbortError") return Object.assign(frame, { state: frame.drawing ? "done" : "stopped" });
    if (!(error instanceof Problem)) console.warn(error);
    const problem = error instanceof Problem ? error : unreachable(false);
    Object.assign(frame, { state: "failed", problem });
  }

  #set(frame, state, more = {}) {
    if (frame.removed) return;
    Object.assign(frame, { state, ...more });
    this.album.changed(frame);
  }
}

/** A picture that the browser has decoded, and its size. */
async function shown(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  return { url: image.src, width: image.naturalWidth, height: image.naturalHeight };
}
