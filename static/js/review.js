// The review desk by keyboard. In the queue j and k (or arrows) go from release to release, c takes the
// one in focus or gives it up; Enter is the link's own. On a release and on the page of checks, keys move
// the focus and do nothing else: j and k between findings, n and p between sections, c to who takes it,
// a to the decision. ? shows them all, and a button beside them turns them off.

const OFF = "review-keys-off";
const queue = document.querySelector("[data-queue]");
// Asked for each time: a page that follows a run replaces it
const desk = () => document.querySelector("[data-desk]");
const help = document.querySelector("[data-keys]");

function areOff() {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false; // no storage: they are on, as the page says
  }
}

function among(all, by, holder) {
  const at = all.findIndex((one) => one === holder);
  const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  return all[Math.min(Math.max(to, 0), all.length - 1)];
}

function moveInQueue(by) {
  const row = document.activeElement.closest("[data-row]");
  const links = [...queue.querySelectorAll("[data-row] th a")];
  (row ? among(links, by, row.querySelector("th a")) : links[0])?.focus();
}

// What has the focus, or the last of them before it
function lastBefore(all) {
  const here = document.activeElement;
  if (here === document.body) return null;
  const behind = Node.DOCUMENT_POSITION_FOLLOWING;
  const passed = all.filter((one) => one === here || one.compareDocumentPosition(here) & behind);
  return passed.at(-1);
}

function goTo(place) {
  if (!place) return;
  if (!place.matches("a, button, input, select, textarea, summary")) place.tabIndex = -1;
  place.focus();
}

function moveAmong(selector, by) {
  const all = [...(desk()?.querySelectorAll(selector) ?? [])].filter((one) => one.checkVisibility());
  if (!all.length) return;
  const holder = lastBefore(all);
  // Back from within a place leads to its beginning first
  const isWithin = holder && by < 0 && holder !== document.activeElement;
  goTo(isWithin ? holder : among(all, holder ? by : 1, holder));
}

const ofQueue = {
  j: () => moveInQueue(1),
  ArrowDown: () => moveInQueue(1),
  k: () => moveInQueue(-1),
  ArrowUp: () => moveInQueue(-1),
  c: () => {
    const row = document.activeElement.closest("[data-row]");
    row?.querySelector("[data-claim]")?.requestSubmit();
  },
};

const ofDesk = {
  j: () => moveAmong(".finding", 1),
  k: () => moveAmong(".finding", -1),
  n: () => moveAmong("h2", 1),
  p: () => moveAmong("h2", -1),
  c: () => goTo(desk()?.querySelector("[data-take]")),
  a: () => goTo(desk()?.querySelector("#decide, [data-waits]")),
};

function showHelp() {
  if (!help) return;
  help.open = !help.open;
  help.querySelector("summary").focus();
}

const keys = { ...(queue ? ofQueue : ofDesk), "?": showHelp };

document.addEventListener("keydown", (event) => {
  if ((!queue && !desk()) || areOff()) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const isArrow = event.key.startsWith("Arrow");
  // Elsewhere on the page arrows scroll, as always
  if (isArrow && !document.activeElement.closest("[data-row]")) return;
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

const turn = help?.querySelector("[data-keys-switch]");

function say() {
  turn.textContent = areOff() ? turn.dataset.on : turn.dataset.off;
}

if (turn) {
  turn.hidden = false;
  say();
  turn.addEventListener("click", () => {
    try {
      if (areOff()) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch {
      // no storage: they stay on
    }
    say();
  });
}
