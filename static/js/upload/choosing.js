// What somebody dropped or chose, as a list of paths and files.

const OF_TOOLS = /(^|\/)(\.git|\.cache\/huggingface|__pycache__)\/|(^|\/)(\.DS_Store|Thumbs\.db)$/;

export function ofInput(input) {
  const found = Array.from(input.files, (file) => ({
    path: withoutFirst(file.webkitRelativePath) || file.name,
    file,
  }));
  return sorted(found);
}

export async function ofDrop(transfer) {
  // All entries are asked for before the first wait: the list is empty afterwards
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry()).filter(Boolean);
  // What another program hands over need not lie in a folder of the disk
  if (!entries.length) return sorted(Array.from(transfer.files, (file) => ({ path: file.name, file })));
  const isOneFolder = entries.length === 1 && entries[0].isDirectory;
  const found = [];
  for (const entry of entries) await take(entry, found);
  return sorted(
    found.map(({ path, file }) => ({ path: isOneFolder ? withoutFirst(path) : path, file })),
  );
}

// As `hf upload` does it, the folder's own name is no part of the paths.
function withoutFirst(path) {
  return path.slice(path.indexOf("/") + 1);
}

function sorted(found) {
  const kept = found.filter(({ path }) => !OF_TOOLS.test(path));
  kept.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files: kept, leftOut: found.length - kept.length };
}

async function take(entry, found) {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ path, file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // It gives some at a time, and none at the end
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await take(one, found);
  }
}
