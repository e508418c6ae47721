// The catalog by keyboard: arrows (or j and k) walk through the rows, Escape leads back to the search.
// What htmx puts in place anew keeps open what was open, and is told to those who listen.

const field = () => document.getElementById("q");
const rows = () => [...document.querySelectorAll("#models h2 a")];
const typing = (target) => target.closest("input:not(#q), textarea, select, [contenteditable]");

function walk(step) {
  const links = rows();
  const here = links.indexOf(document.activeElement);
  if (here === 0 && step < 0) return field()?.focus();
  const next = links[here < 0 ? (step > 0 ? 0 : -1) : here + step];
  next?.focus();
  next?.closest("li").scrollIntoView({ block: "nearest" });
}

function stepOf(event) {
  if (event.key === "ArrowDown") return 1;
  if (event.key === "ArrowUp") return -1;
  if (event.target === field()) return 0;
  return { j: 1, k: -1 }[event.key] ?? 0;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const inRows = rows().includes(event.target);
  if (event.key === "Escape" && inRows) return field()?.focus();
  const step = stepOf(event);
  const free = inRows || event.target === field() || event.key === "j" || event.key === "k";
  if (!step || !free) return;
  event.preventDefault();
  walk(step);
});

// Facets that were unfolded by hand stay so, and those that were folded too
let unfolded = new Map();

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "catalog") return;
  const all = event.detail.target.querySelectorAll("details[id]:not(.menu)");
  unfolded = new Map([...all].map((one) => [one.id, one.open]));
});

document.addEventListener("htmx:afterSettle", () => {
  const catalog = document.getElementById("catalog");
  if (!catalog || !unfolded.size) return;
  unfolded.forEach((open, id) => {
    const one = document.getElementById(id);
    if (one) one.open = open || Boolean(one.querySelector(":scope > ul [aria-current]"));
  });
  unfolded = new Map();
  if (field() && document.activeElement !== field()) field().value = catalog.dataset.query;
  const status = document.getElementById("live-status");
  if (status) status.textContent = catalog.dataset.told;
});
