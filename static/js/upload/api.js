// The Hub's own calls, made with a token that lives in memory only and for this repository alone.

import { Away, Refused, SignedOut, Stopped } from "./errors.js";

const TRIES = 4;
const LFS = "application/vnd.git-lfs+json";

export class Api {
  #setup;
  #csrf;
  #token = null;
  #until = 0;
  #issued = [];

  constructor(setup, csrf) {
    this.#setup = setup;
    this.#csrf = csrf;
  }

  async preupload(files, { revision, isProposal, signal }) {
    const to = this.#of("preupload", revision, isProposal);
    return this.#json(to, { files }, { signal });
  }

  async batch(objects, { revision, isProposal, signal }) {
    const body = { operation: "upload", transfers: ["basic", "multipart"], objects };
    if (!isProposal) body.ref = { name: revision };
    const to = `${this.#setup.place}.git/info/lfs/objects/batch`;
    return this.#json(to, body, { signal, type: LFS });
  }

  async verify(address, object, { signal }) {
    return this.#json(address, object, { signal, type: LFS });
  }

  // `parts` are what the page has in memory and blobs of the disk alike.
  async commit(parts, { revision, isProposal, signal }) {
    const to = this.#of("commit", revision, isProposal);
    const body = new Blob(parts, { type: "application/x-ndjson" });
    return this.#json(to, body, { signal, type: "application/x-ndjson" });
  }

  // Signed addresses carry their own right, so no token goes with them.
  async complete(address, body, { signal }) {
    return retried(signal, () => ask(address, { body: JSON.stringify(body), type: LFS, signal }));
  }

  // Ends every token that was asked for, also while the page is being left.
  end() {
    for (const id of this.#issued.splice(0)) {
      const form = new FormData();
      form.append("csrfmiddlewaretoken", this.#csrf);
      navigator.sendBeacon(`${this.#setup.place}/upload-token/${id}/end`, form);
    }
    this.#token = null;
  }

  #of(what, revision, isProposal) {
    const { kind, repository } = this.#setup;
    const query = isProposal ? "?create_pr=1" : "";
    return `/api/${kind}/${repository}/${what}/${encodeURIComponent(revision)}${query}`;
  }

  async #json(address, body, { signal, type = "application/json" }) {
    const sent = body instanceof Blob ? body : JSON.stringify(body);
    return retried(signal, async () => {
      const token = await this.#secret(signal);
      try {
        return await ask(address, { body: sent, type, token, signal });
      } catch (error) {
        if (error.status !== 401) throw error;
        this.#token = null; // it is over: one more try with a new one
        return ask(address, { body: sent, type, token: await this.#secret(signal), signal });
      }
    });
  }

  async #secret(signal) {
    if (this.#token && Date.now() < this.#until) return this.#token.token;
    // The one before lives on for a while: addresses that it signed are still being sent to
    const answer = await fetch(`${location.pathname}/token`, {
      method: "POST",
      headers: { "X-CSRFToken": this.#csrf },
      redirect: "manual",
      signal,
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) throw await signedOut(answer);
    if (!answer.ok) throw await refusal(answer);
    this.#token = await answer.json();
    this.#issued.push(this.#token.id);
    this.#until = Date.now() + (this.#token.seconds - 600) * 1000;
    return this.#token.token;
  }
}

// Repeats what failed on the way, or because the site is busy; what the site refuses is final.
export async function retried(signal, act) {
  for (let tried = 1; ; tried += 1) {
    if (signal.aborted) throw new Stopped();
    try {
      return await act();
    } catch (error) {
      if (signal.aborted) throw new Stopped();
      const passes = error instanceof TypeError || error.status === 429 || error.status >= 500;
      if (!passes) throw error;
      if (tried === TRIES) throw error.status ? error : new Away();
      await new Promise((resolve) => setTimeout(resolve, 2 ** tried * 250));
    }
  }
}

async function ask(address, { body, type, token, signal }) {
  const headers = { "Content-Type": type };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(address, {
    method: "POST",
    headers,
    body,
    signal,
    credentials: "omit",
  });
  if (!answer.ok) throw await refusal(answer);
  const text = await answer.text();
  return text ? JSON.parse(text) : {};
}

async function refusal(answer) {
  try {
    const { error } = await answer.json();
    return new Refused(answer.status, error);
  } catch {
    return new Refused(answer.status, String(answer.status));
  }
}

async function signedOut(answer) {
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  return isJson ? refusal(answer) : new SignedOut();
}
