// Strength, size, format, quality: the plain controls and the settings.

import { say } from "./words.js";

const $ = (id) => document.getElementById(id);

export function startControls(settings) {
  const show = () => {
    $("strength-value").value = `${$("strength").value} %`;
    $("quality-value").value = $("quality").value;
    $("quality").disabled = settings.format === "png";
    // The photo's own size needs the photo as it is.
    $("shrink").disabled = settings.size === "original";
    $("size").options[0].textContent = say("size-standard", { side: settings.side });
  };
  const on = (id, change) =>
    $(id).addEventListener("input", () => {
      settings.set(change());
      show();
    });
  on("strength", () => ({ strength: $("strength").valueAsNumber / 100 }));
  on("quality", () => ({ quality: $("quality").valueAsNumber }));
  on("size", () => ({ size: $("size").value }));
  on("format", () => ({ format: $("format").value }));
  on("shrink", () => ({ shrink: $("shrink").checked }));
  $("panel").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("words", show);
  show();
}
