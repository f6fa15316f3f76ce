// Before anything is drawn: the theme that this person chose, so that nothing flashes.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("callboard.theme");
  } catch {
    /* without a memory the machine's own theme counts */
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
