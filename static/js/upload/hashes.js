// The SHA-256 of files, worked out one after the other in a worker.

import { Stopped, Unreadable } from "./errors.js";

export class Hasher {
  #worker;
  #waiting = new Map();
  #next = 1;

  constructor(address) {
    this.#worker = new Worker(address, { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => this.#heard(data));
  }

  of(file, { signal, progress }) {
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => this.#end(id, () => reject(new Stopped())), {
        once: true,
      });
      this.#waiting.set(id, { resolve, reject, progress });
      this.#worker.postMessage({ id, file });
    });
  }

  #heard({ id, done, sha256, failed }) {
    const one = this.#waiting.get(id);
    if (!one) return;
    if (failed) this.#end(id, () => one.reject(new Unreadable()));
    else if (sha256) this.#end(id, () => one.resolve(sha256));
    else one.progress(done);
  }

  #end(id, tell) {
    if (this.#waiting.delete(id)) tell();
  }
}
