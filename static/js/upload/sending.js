// One large file on its way: whole, or by parts that are never sent twice.

import { retried } from "./api.js";
import { Refused, Stopped } from "./errors.js";

// Which parts of which upload arrived, with what the store said of them. It is a help and no
// proof: the server looks at the whole file at the end. No right to send is among it.
class Notes {
  constructor(address) {
    this.key = `upload:${new URL(address, location.href).pathname}`;
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) ?? {};
    } catch {
      return {};
    }
  }

  add(number, etag) {
    this.#write({ ...this.read(), [number]: etag });
  }

  clear() {
    localStorage.removeItem(this.key);
  }

  #write(value) {
    try {
      localStorage.setItem(this.key, JSON.stringify(value));
    } catch {
      // No room for notes: the parts are sent again then
    }
  }
}

export async function send(api, item, actions, { signal, progress }) {
  const { href, header } = actions.upload;
  if (header.chunk_size) await byParts(api, item, href, header, { signal, progress });
  else await retried(signal, () => put(href, item.file, { signal, progress }));
  if (actions.verify) {
    await api.verify(actions.verify.href, { oid: item.sha256, size: item.file.size }, { signal });
  }
}

async function byParts(api, item, href, header, { signal, progress }) {
  const size = Number(header.chunk_size);
  const count = Math.ceil(item.file.size / size);
  const addresses = new Map();
  for (const [key, value] of Object.entries(header)) {
    if (/^\d+$/.test(key)) addresses.set(Number(key), value);
  }
  const notes = new Notes(href);
  for (let number = 1; number <= count; number += 1) {
    const first = (number - 1) * size;
    if (!notes.read()[number]) {
      const part = item.file.slice(first, first + size);
      const address = addresses.get(number);
      const along = (sent) => progress(first + sent);
      const etag = await retried(signal, () => put(address, part, { signal, progress: along }));
      notes.add(number, etag);
    }
    progress(Math.min(first + size, item.file.size));
  }
  const noted = notes.read();
  const parts = Array.from({ length: count }, (_, i) => ({
    partNumber: i + 1,
    etag: noted[i + 1] ?? "",
  }));
  try {
    await api.complete(href, { oid: item.sha256, parts }, { signal });
  } catch (error) {
    // What the notes say is not what the server has: the next try begins without them
    if (error instanceof Refused && error.status < 500) notes.clear();
    throw error;
  }
  notes.clear();
}

// With XMLHttpRequest, as fetch does not tell how much of a body is on its way.
function put(address, body, { signal, progress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const settle = (tell, value) => {
      signal.removeEventListener("abort", stop);
      tell(value);
    };
    request.open("PUT", address);
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("load", () => {
      if (request.status < 300) settle(resolve, request.getResponseHeader("ETag") ?? "sent");
      else settle(reject, new Refused(request.status, reason(request)));
    });
    request.addEventListener("error", () => settle(reject, new TypeError("network")));
    request.addEventListener("abort", () => settle(reject, new Stopped()));
    signal.addEventListener("abort", stop, { once: true });
    request.send(body);
  });
}

function reason(request) {
  try {
    return JSON.parse(request.responseText).error ?? String(request.status);
  } catch {
    return String(request.status);
  }
}
