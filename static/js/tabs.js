// On a phone the tabs are one row: the one that is open is in view, also where the style sheet alone
// does not see to it.

document.querySelectorAll(".tabs [aria-current]").forEach((tab) => {
  const row = tab.closest(".tabs");
  if (row.scrollWidth > row.clientWidth) {
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  }
});
