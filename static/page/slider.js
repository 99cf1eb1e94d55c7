// Before and after in one frame, with an edge between them that mouse, touch
// and keyboard move.

import { say } from "./words.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Slider {
  #sweep = 0;

  /** `range` is the keyboard's and the screen reader's way to the edge. */
  constructor(frame, range = null) {
    this.frame = frame;
    this.range = range;
    frame.addEventListener("pointerdown", (event) => this.#grab(event));
    frame.addEventListener("pointermove", (event) => {
      if (frame.hasPointerCapture(event.pointerId)) this.#follow(event);
    });
    frame.addEventListener("dragstart", (event) => event.preventDefault());
    // The keyboard goes on where the pointer left off.
    frame.addEventListener("click", () => range?.focus({ preventScroll: true }));
    range?.addEventListener("input", () => {
      cancelAnimationFrame(this.#sweep);
      this.set(range.valueAsNumber);
    });
  }

  /** `share` percent of the photo are shown, from the left. */
  set(share) {
    const percent = Math.min(Math.max(share, 0), 100);
    this.frame.style.setProperty("--split", `${percent}%`);
    this.frame.classList.toggle("all-drawing", percent < 14);
    this.frame.classList.toggle("all-photo", percent > 86);
    if (!this.range) return;
    this.range.value = percent;
    this.range.setAttribute("aria-valuetext", say("split-value", { percent: Math.round(percent) }));
  }

  /** Sweeps from the photo to `end`, or is there at once. */
  reveal(end = 50, milliseconds = 1300) {
    cancelAnimationFrame(this.#sweep);
    if (still.matches) return this.set(end);
    const start = performance.now();
    const step = (now) => {
      const t = Math.min((now - start) / milliseconds, 1);
      this.set(end + (100 - end) * (1 - t) ** 3);
      if (t < 1) this.#sweep = requestAnimationFrame(step);
    };
    this.set(100);
    this.#sweep = requestAnimationFrame(step);
  }

  #grab(event) {
    if (event.button !== 0 || !this.frame.classList.contains("ready")) return;
    this.frame.setPointerCapture(event.pointerId);
    this.#follow(event);
  }

  #follow(event) {
    cancelAnimationFrame(this.#sweep);
    const { left, width } = this.frame.getBoundingClientRect();
    this.set(((event.clientX - left) / width) * 100);
  }
}
