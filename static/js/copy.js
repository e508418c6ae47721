// Copy buttons. They appear only where a script runs and the browser lets it write to the clipboard.

function offer(button) {
  button.hidden = false;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copies);
  const status = document.getElementById("live-status");
  await navigator.clipboard.writeText(source.textContent.trim());
  const before = button.textContent;
  button.textContent = button.dataset.done;
  if (status) status.textContent = button.dataset.done;
  setTimeout(() => {
    button.textContent = before;
  }, 2000);
}

if (navigator.clipboard) {
  document.querySelectorAll("[data-copies]").forEach(offer);
  document.addEventListener("htmx:load", (event) => {
    event.target.querySelectorAll("[data-copies]").forEach(offer);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copies]");
    if (button) copy(button);
  });
}
