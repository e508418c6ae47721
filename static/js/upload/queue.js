// An upload from beginning to end. It may be stopped at any time and run again: what is known of a
// file is kept with it, and what the server has is asked of the server.

import { Refused, Unreadable } from "./errors.js";
import { Hasher } from "./hashes.js";
import { send } from "./sending.js";

const ASKED_AT_ONCE = 200;
const SENT_AT_ONCE = 3;
const AHEAD = 32;
// As much as the Python client puts into one commit
const COMMIT_FILES = 1000;
const COMMIT_BYTES = 100 * 1024 ** 2;
const SAMPLE = 512;

export class Queue {
  #api;
  #hasher;
  #setup;
  #tell;

  constructor(api, setup, worker, tell) {
    this.#api = api;
    this.#setup = setup;
    this.#hasher = new Hasher(worker);
    this.#tell = tell;
  }

  // Gives the answer of the last commit.
  async run(items, { summary, signal }) {
    await this.#ask(items, signal);
    const kept = items.filter((item) => item.mode !== "ignored");
    await this.#send(
      kept.filter((item) => item.mode === "lfs"),
      signal,
    );
    return this.#commit(kept, summary, signal);
  }

  async #ask(items, signal) {
    const open = items.filter((item) => !item.mode);
    for (let at = 0; at < open.length; at += ASKED_AT_ONCE) {
      const some = open.slice(at, at + ASKED_AT_ONCE);
      const files = await Promise.all(
        some.map(async ({ path, file }) => ({
          path,
          size: file.size,
          sample: await base64(file.slice(0, SAMPLE)),
        })),
      );
      const answer = await this.#api.preupload(files, { ...this.#setup, signal });
      answer.files.forEach((said, i) => {
        some[i].mode = said.shouldIgnore ? "ignored" : said.uploadMode;
        some[i].oid = said.oid;
        this.#say(some[i], { lfs: "waits", regular: "small", ignored: "ignored" }[some[i].mode]);
      });
    }
  }

  // Hashes run ahead of the sending by some files.
  async #send(items, signal) {
    const open = items.filter((item) => !item.isStored);
    for (let at = 0; at < open.length; at += AHEAD) {
      const some = open.slice(at, at + AHEAD);
      for (const item of some) await this.#hash(item, signal);
      const objects = some.map((item) => ({ oid: item.sha256, size: item.file.size }));
      const answer = await this.#api.batch(objects, { ...this.#setup, signal });
      const byHash = new Map(answer.objects.map((one) => [one.oid, one]));
      await this.#sendThese(some, byHash, signal);
    }
  }

  async #hash(item, signal) {
    if (item.sha256) return;
    const total = item.file.size;
    item.sha256 = await this.#hasher.of(item.file, {
      signal,
      progress: (done) => this.#say(item, "hashing", done / total),
    });
  }

  async #sendThese(items, byHash, signal) {
    // The same bytes under two paths travel once
    const left = [...new Map(items.map((item) => [item.sha256, item])).values()];
    const lane = async () => {
      for (let item = left.shift(); item; item = left.shift()) {
        await this.#sendOne(item, byHash.get(item.sha256), signal);
      }
    };
    await Promise.all(Array.from({ length: SENT_AT_ONCE }, lane));
    for (const item of items) {
      if (!item.isStored) this.#say(Object.assign(item, { isStored: true }), "there");
    }
  }

  async #sendOne(item, object, signal) {
    if (object.error) {
      this.#say(item, "failed");
      throw new Refused(object.error.code, `${item.path}: ${object.error.message}`);
    }
    if (object.actions) {
      const total = item.file.size;
      const how = { signal, progress: (sent) => this.#say(item, "sending", sent / total) };
      try {
        await send(this.#api, item, object.actions, how);
      } catch (error) {
        // The token that signed the addresses is over: new ones go on where these stopped
        if (error.status !== 401) throw error;
        const asked = [{ oid: item.sha256, size: total }];
        const [again] = (await this.#api.batch(asked, { ...this.#setup, signal })).objects;
        if (again.actions) await send(this.#api, item, again.actions, how);
      }
    }
    item.isStored = true;
    this.#say(item, object.actions ? "ready" : "there");
  }

  async #commit(items, summary, signal) {
    const commits = grouped(items.filter((item) => item.mode !== "lfs" || item.oid !== item.sha256));
    if (!commits.length) commits.push(items);
    let { revision, isProposal } = this.#setup;
    let answer = null;
    for (const [i, group] of commits.entries()) {
      if (group.every((item) => item.isCommitted)) continue;
      const part = commits.length > 1 ? ` (${i + 1}/${commits.length})` : "";
      const header = { summary: `${summary}${part}`, description: "" };
      const lines = [line("header", header)];
      for (const item of group) lines.push(...(await lineOf(item)));
      answer = await this.#api.commit(lines, { revision, isProposal, signal });
      for (const item of group) item.isCommitted = true;
      if (isProposal) {
        // The rest goes to the pull request that the first one opened, also when run again
        revision = `refs/pr/${answer.pullRequestUrl.split("/").pop()}`;
        isProposal = false;
        Object.assign(this.#setup, { revision, isProposal, page: answer.pullRequestUrl });
      }
    }
    return answer;
  }

  #say(item, state, share = 0) {
    Object.assign(item, { state, share });
    this.#tell(item);
  }
}

function grouped(items) {
  const groups = [];
  let bytes = Infinity;
  for (const item of items) {
    const size = item.mode === "lfs" ? 0 : item.file.size;
    if (bytes + size > COMMIT_BYTES || groups.at(-1).length >= COMMIT_FILES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1).push(item);
    bytes += size;
  }
  return groups;
}

async function lineOf({ path, mode, sha256, file }) {
  if (mode === "lfs") {
    return [line("lfsFile", { path, algo: "sha256", oid: sha256, size: file.size })];
  }
  const start = JSON.stringify({ key: "file", value: { path, encoding: "base64" } }).slice(0, -2);
  return [`${start},"content":"`, await base64(file), '"}}\n'];
}

function line(key, value) {
  return `${JSON.stringify({ key, value })}\n`;
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.replace(/^[^,]*,?/, "")));
    reader.addEventListener("error", () => reject(new Unreadable()));
    reader.readAsDataURL(blob);
  });
}
