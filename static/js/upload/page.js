// The upload page: choosing, looking on, pausing, going on.

import { Api } from "./api.js";
import { ofDrop, ofInput } from "./choosing.js";
import { Away, Refused, SignedOut, Stopped, Unreadable } from "./errors.js";
import { Queue } from "./queue.js";

const SHOWN = 200;

const root = document.getElementById("uploader");
const words = JSON.parse(document.getElementById("upload-words").textContent);
const setup = JSON.parse(document.getElementById("upload-setup").textContent);
const part = (name) => root.querySelector(`[data-part=${name}]`);
const csrf = root.querySelector("[name=csrfmiddlewaretoken]").value;

const api = new Api(setup, csrf);
const queue = new Queue(api, setup, root.dataset.worker, show);
let items = [];
let chosen = null;
let running = null;
let isDirty = false;

root.classList.remove("waits-for-script");

part("folder").addEventListener("change", (event) => choose(ofInput(event.target)));
part("files").addEventListener("change", (event) => choose(ofInput(event.target)));
part("start").addEventListener("click", run);
part("pause").addEventListener("click", () => (running ? running.abort() : run()));
part("cancel").addEventListener("click", cancel);

// Anywhere on the page: what falls beside the place would be opened instead of this page
const place = part("place");
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  place.classList.add("is-over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) place.classList.remove("is-over");
});
addEventListener("drop", async (event) => {
  if (!hasFiles(event) || event.target.matches("input")) return;
  event.preventDefault();
  place.classList.remove("is-over");
  if (!running) choose(await ofDrop(event.dataTransfer));
});
part("prefix").addEventListener("change", () => chosen && choose(chosen));

addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault();
});
addEventListener("pagehide", () => api.end());

function choose(what) {
  const { files, leftOut } = what;
  if (!files.length) return say("nothing", {}, "warned");
  chosen = what;
  const prefix = part("prefix").value.trim().replace(/^\/+|\/+$/g, "");
  items = files.map(({ path, file }) => ({
    path: prefix ? `${prefix}/${path}` : path,
    file,
    state: "waits",
    share: 0,
  }));
  const size = shown(items.reduce((sum, { file }) => sum + file.size, 0));
  const left = leftOut ? ` ${fill("left_out", { count: leftOut })}` : "";
  part("chosen").textContent = fill("chosen", { count: items.length, size }) + left;
  part("list").replaceChildren(...items.slice(0, SHOWN).map(row));
  part("more").textContent =
    items.length > SHOWN ? fill("more", { count: items.length - SHOWN }) : "";
  part("work").hidden = false;
  part("start").hidden = false;
  part("pause").hidden = true;
  part("state").hidden = true;
  const large = items.find(({ file }) => file.size > setup.largest);
  part("start").disabled = Boolean(large);
  if (large) say("too_large", { path: large.path }, "blocked");
  part("start").focus();
  return undefined;
}

async function run() {
  running = new AbortController();
  lock(true);
  say("asking", {}, "running");
  const summary = part("summary").value.trim() || part("summary").placeholder;
  try {
    const answer = await queue.run(items, { summary, signal: running.signal });
    running = null;
    api.end();
    say("done", {}, "passed");
    location.assign(setup.page ?? `${setup.place}/checks/${answer.commitOid}`);
  } catch (error) {
    running = null;
    stopped(error);
  }
}

function stopped(error) {
  lock(false);
  part("start").hidden = true;
  if (error instanceof Stopped) say("paused", {}, "unknown");
  else if (error instanceof Away) say("away", {}, "warned");
  else if (error instanceof SignedOut) say("signed_out", {}, "blocked");
  else if (error instanceof Refused) say("refused", { reason: error.message }, "blocked");
  else if (error instanceof Unreadable || error instanceof DOMException) unreadable();
  else throw error;
}

function unreadable() {
  const one = items.find(({ state }) => state === "hashing") ?? items[0];
  say("unreadable", { path: one.path }, "blocked");
}

function cancel() {
  if (running) running.abort();
  api.end();
  items = [];
  chosen = null;
  part("work").hidden = true;
  for (const name of ["folder", "files"]) part(name).value = "";
  // After what the stopped run says
  setTimeout(() => say("cancelled", {}, "unknown"));
}

function lock(isRunning) {
  for (const name of ["folder", "files", "prefix", "summary"]) part(name).disabled = isRunning;
  part("start").hidden = true;
  part("pause").hidden = false;
  part("pause").textContent = words[isRunning ? "pause" : "resume"];
}

function row(item) {
  const made = part("row").content.firstElementChild.cloneNode(true);
  made.querySelector("[data-name]").textContent = item.path;
  made.querySelector("[data-size]").textContent = shown(item.file.size);
  made.querySelector("[data-size]").title = `${item.file.size}`;
  item.row = made.querySelector("[data-state]");
  item.row.textContent = words.waits;
  return made;
}

// Many files tell of themselves many times a second; the page is drawn once a frame.
function show(item) {
  item.isChanged = true;
  if (isDirty) return;
  isDirty = true;
  requestAnimationFrame(draw);
}

function draw() {
  isDirty = false;
  let total = 0;
  let done = 0;
  let read = 0;
  for (const item of items) {
    if (item.mode === "lfs") {
      total += item.file.size;
      read += item.file.size * (item.sha256 ? 1 : item.state === "hashing" ? item.share : 0);
      if (item.isStored) done += item.file.size;
      else if (item.state === "sending") done += item.file.size * item.share;
    }
    if (!item.isChanged || !item.row) continue;
    item.isChanged = false;
    item.row.textContent = fill(item.state, { percent: Math.floor(item.share * 100) });
  }
  const bar = part("bar");
  bar.max = total || 1;
  bar.value = total ? done : 1;
  if (!running) return;
  if (total && done >= total) say("committing", {}, "running");
  else if (total && !done) say("reading", { percent: Math.floor((100 * read) / total) }, "running");
  else if (total) say("working", { done: shown(done), total: shown(total) }, "running");
}

const SIGNS = { running: "→", passed: "✓", warned: "!", blocked: "✗", unknown: "→" };

function say(key, values, verdict) {
  const state = part("state");
  const text = fill(key, values);
  state.hidden = false;
  state.className = `notice is-${verdict}`;
  state.querySelector(".sign").textContent = SIGNS[verdict];
  state.querySelector("p").textContent = text;
  // Said aloud where the state is another one, and not with each percent
  if (state.dataset.key !== key) part("aloud").textContent = text;
  state.dataset.key = key;
}

function fill(key, values) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function shown(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  const digits = unit && value < 100 ? 1 : 0;
  const language = document.documentElement.lang;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${units[unit]}`;
}
