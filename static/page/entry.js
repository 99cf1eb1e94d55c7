// The photo's ways in: picked, dropped, pasted, or one of the samples.

import { Problem } from "./problem.js";

const $ = (id) => document.getElementById(id);

/** `take(files)` gets photos, `refuse(problem)` hears of what was none. */
export function startEntry(take, refuse) {
  $("choose").addEventListener("click", () => $("file").click());
  $("more").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", (event) => {
    const picked = [...event.target.files];
    // Cleared, so that picking the same photo again counts as a change.
    event.target.value = "";
    if (picked.length) take(picked);
  });

  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length) return;
    event.preventDefault();
    take(pasted);
  });

  $("samples").addEventListener("click", async (event) => {
    const name = event.target.closest("[data-sample]")?.dataset.sample;
    if (!name) return;
    const blob = await (await fetch(`samples/${name}.jpg`)).blob();
    take([new File([blob], `${name}.jpg`, { type: "image/jpeg" })]);
  });

  let depth = 0;
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dragging", on);
  document.addEventListener("dragenter", (event) => holdsFiles(event) && mark(++depth > 0));
  document.addEventListener("dragleave", (event) => holdsFiles(event) && mark(--depth > 0));
  // Without this the browser would leave the page to show the file.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark(false);
    const dropped = [...(event.dataTransfer?.files ?? [])];
    if (dropped.length) take(dropped);
    else if (event.dataTransfer?.types.length) refuse(new Problem("not-a-photo"));
  });
}
