/**
 * Hides what a page shows for a short time: after the seconds that the element names, and whenever the page is left, so that
 * going back finds it masked. Without scripts the page's own Refresh leads away at the same time.
 */
export const HIDE_SCRIPT = `(() => {
  const shown = document.querySelector('[data-hide-after]');
  if (!shown) return;
  const hide = () => { shown.textContent = '\\u2022'.repeat(12); };
  setTimeout(hide, Number(shown.dataset.hideAfter) * 1000);
  addEventListener('pagehide', hide);
})();
`;
