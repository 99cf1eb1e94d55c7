// The photos at hand, and which of them is on the stage.

import { Problem } from "./problem.js";
import { pixels, readable } from "./shrink.js";

const HEIC = /^image\/hei[cf]|\.hei[cf]$/i;
let count = 0;

/**
 * @typedef {object} Frame A photo and its drawing.
 * @property {number} id
 * @property {File} file What is sent.
 * @property {string} url The photo, to be shown.
 * @property {boolean} shown Whether this browser can show it.
 * @property {"waiting"|"sending"|"drawing"|"busy"|"done"|"failed"|"stopped"} state
 * @property {object} parts What the words on the state need.
 * @property {{key: string, url: string, blob: Blob, width: number, height: number, seconds: number} | null} drawing
 * @property {Problem | null} problem
 */

/** Tells `change` when anything changed, with the frame if it was one alone. */
export class Album extends EventTarget {
  /** @type {Frame[]} */ frames = [];
  /** @type {Frame | null} */ current = null;

  /** Takes files in; the first of them goes on the stage. */
  async add(files) {
    const frames = await Promise.all([...files].map(frameOf));
    if (!frames.length) return;
    this.frames.push(...frames);
    this.current = frames[0];
    this.changed();
  }

  select(frame) {
    this.current = frame;
    this.changed();
  }

  remove(frame) {
    const at = this.frames.indexOf(frame);
    this.frames.splice(at, 1);
    frame.removed = true;
    URL.revokeObjectURL(frame.url);
    if (frame.drawing) URL.revokeObjectURL(frame.drawing.url);
    if (this.current === frame) this.current = this.frames[at] ?? this.frames.at(-1) ?? null;
    this.changed();
  }

  changed(frame = null) {
    this.dispatchEvent(new CustomEvent("change", { detail: frame }));
  }
}

async function frameOf(file) {
  let problem = null;
  if (HEIC.test(file.type) || HEIC.test(file.name)) {
    const jpeg = await readable(file);
    if (!jpeg) problem = new Problem("heic");
    file = jpeg ?? file;
  }
  const bitmap = problem ? null : await pixels(file);
  const frame = {
    id: ++count,
    file,
    url: URL.createObjectURL(file),
    shown: Boolean(bitmap),
    width: bitmap?.width ?? 3,
    height: bitmap?.height ?? 2,
    state: problem ? "failed" : "waiting",
    parts: {},
    drawing: null,
    problem,
    removed: false,
  };
  bitmap?.close();
  return frame;
}
