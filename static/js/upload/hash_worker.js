// Reads files piece by piece, away from the page, and says their SHA-256.

import { Sha256 } from "./sha256.js";

const PIECE = 4 * 1024 ** 2;

addEventListener("message", async ({ data: { id, file } }) => {
  try {
    const hasher = new Sha256();
    for (let at = 0; at < file.size; at += PIECE) {
      hasher.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
      postMessage({ id, done: Math.min(at + PIECE, file.size) });
    }
    postMessage({ id, sha256: hasher.hex() });
  } catch {
    // The file is gone, or another one by now
    postMessage({ id, failed: true });
  }
});
