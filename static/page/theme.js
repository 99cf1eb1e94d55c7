// Light or dark: the system's choice until the visitor makes one.

const KEPT = "sakuga-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function startTheme(button) {
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEPT);
  } catch {
    // No storage, no memory of it.
  }
  if (chosen) document.documentElement.dataset.theme = chosen;
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEPT, next);
    } catch {
      // As above.
    }
  });
}
