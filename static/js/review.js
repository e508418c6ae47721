// The review queue by keyboard: j and k (or arrows) go from release to release, c takes the one in
// focus or gives it up, ? shows the keys. Enter is the link's own.

const queue = document.querySelector("[data-queue]");

function links() {
  return [...queue.querySelectorAll("[data-row] th a")];
}

function move(by) {
  const all = links();
  const row = document.activeElement.closest("[data-row]");
  const at = row ? all.indexOf(row.querySelector("th a")) : -1;
  const to = at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1);
  all[to]?.focus();
}

const keys = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  c: () => {
    const row = document.activeElement.closest("[data-row]");
    row?.querySelector("[data-claim]")?.requestSubmit();
  },
  "?": () => {
    const shown = document.querySelector("[data-keys]");
    if (!shown) return;
    shown.open = !shown.open;
    shown.querySelector("summary").focus();
  },
};

if (queue) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    const isArrow = event.key.startsWith("Arrow");
    // Elsewhere on the page arrows scroll, as always
    if (isArrow && !document.activeElement.closest("[data-row]")) return;
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
}
