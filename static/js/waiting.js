// What a page says while a part of it is fetched, and when that fails. Part of the page that is waited for
// is marked as busy; the style sheet shows a bar once the wait is long enough to notice.

const bar = () => document.getElementById("trouble");
const isPoll = (elt) => /\bevery\b/.test(elt.getAttribute("hx-trigger") ?? "");

// A session that ended answers with the page for signing in, which belongs into no part of a page
const LOGIN = new URL(document.body.dataset.login, location.href).pathname;
const isLogin = (xhr) => Boolean(xhr.responseURL) && new URL(xhr.responseURL).pathname === LOGIN;

function kindOf(status) {
  if (status === 401 || status === 403) return "session";
  if (status === 404) return "gone";
  if (status === 429) return "often";
  return "failed";
}

function say(kind) {
  const words = document.getElementById(`trouble-${kind}`);
  if (!words || bar().dataset.kind === kind) return;
  bar().dataset.kind = kind;
  bar().replaceChildren(words.content.cloneNode(true));
  const login = bar().querySelector("[data-login]");
  if (login) login.search = new URLSearchParams({ next: location.pathname + location.search });
}

function quiet() {
  delete bar().dataset.kind;
  bar().replaceChildren();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isPoll(event.detail.elt)) event.detail.target.setAttribute("aria-busy", "true");
});

document.addEventListener("htmx:afterRequest", (event) => {
  event.detail.target.removeAttribute("aria-busy");
  if (event.detail.successful && !isLogin(event.detail.xhr)) quiet();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isLogin(event.detail.xhr)) return;
  event.detail.shouldSwap = false;
  say("session");
});

document.addEventListener("htmx:responseError", (event) => say(kindOf(event.detail.xhr.status)));
document.addEventListener("htmx:sendError", () => say("offline"));
document.addEventListener("htmx:timeout", () => say("offline"));
// The address is that of the page before already, so it is fetched as a page
document.addEventListener("htmx:historyCacheMissLoadError", () => location.reload());

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-trouble-close]")) quiet();
});
