// On a phone the tabs are one row, and so are the places of the site: the one that is open is in view,
// also where the style sheet alone does not see to it.

document.querySelectorAll(".tabs [aria-current], .places [aria-current]").forEach((link) => {
  const row = link.parentElement;
  if (row.scrollWidth > row.clientWidth) {
    row.scrollLeft = link.offsetLeft - row.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
  }
});
