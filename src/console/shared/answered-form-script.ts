import { createHash } from 'node:crypto';

/**
 * Keeps a page that answers a form without leading on (a refusal, a result) from being asked for again: its place in the
 * history becomes that of the page where the form stands, so that Reload and Back load that page and send nothing. What was
 * typed into a form that was refused is put back there, from this tab's own memory, until it has gone through or another is
 * sent; passwords, codes and whatever a field marks as not to be completed are never kept. Without scripts the refused page
 * itself has what was typed, and sending it again is refused again.
 */
export const ANSWERED_FORM_SCRIPT = `(() => {
  const KEY = 'countersign-form';
  const KEPT = ['text', 'search', 'email', 'number', 'date', 'datetime-local', 'textarea', 'select-one', 'checkbox', 'radio'];
  const remembered = () => {
    try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; }
  };
  const remember = (sent) => {
    try { sessionStorage.setItem(KEY, JSON.stringify(sent)); } catch { /* no memory: nothing is put back */ }
  };
  const here = () => location.pathname + location.search;
  const addressOf = (element, name) => {
    const to = new URL(element.getAttribute(name) || location.href, location.href);
    return to.pathname + to.search;
  };
  // By attributes alone: a field may have the name of what a form knows of itself.
  const isPost = (form) => (form.getAttribute('method') || '').toLowerCase() === 'post';
  const formsTo = (action) => [...document.forms].filter((form) => isPost(form) && addressOf(form, 'action') === action);
  const fieldsOf = (form) => [...form.elements].filter((field) =>
    field.name && KEPT.includes(field.type) && !/off|code|password/.test(field.getAttribute('autocomplete') || ''));
  const putBack = (field, { value, checked }) => {
    if (field.type === 'checkbox' || field.type === 'radio') field.checked = checked;
    else if (field.type !== 'select-one' || [...field.options].some((option) => option.value === value)) field.value = value;
  };
  const fill = (sent) => {
    const form = formsTo(sent.action)[sent.nth];
    if (!form) return;
    const typed = [...sent.typed];
    for (const field of fieldsOf(form)) {
      const at = typed.findIndex(({ name, value }) =>
        name === field.name && (!['checkbox', 'radio'].includes(field.type) || value === field.value));
      if (at < 0) continue;
      putBack(field, typed.splice(at, 1)[0]);
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }
    for (let around = form.closest('details'); around; around = around.parentElement.closest('details')) around.open = true;
  };
  addEventListener('submit', (event) => {
    const [form, button] = [event.target, event.submitter];
    if (event.defaultPrevented || !isPost(form)) return;
    if (form.getAttribute('target') || (button && button.getAttribute('formtarget'))) return;
    const action = addressOf(form, 'action');
    const id = (history.state && history.state.form) || String(Date.now());
    history.replaceState({ ...history.state, form: id }, '');
    remember({
      id,
      at: here(),
      action,
      to: button && button.getAttribute('formaction') ? addressOf(button, 'formaction') : action,
      nth: formsTo(action).indexOf(form),
      typed: fieldsOf(form).map(({ name, value, checked }) => ({ name, value, checked })),
      refused: false,
    });
  });
  const sent = remembered();
  if (!sent) return;
  const answer = document.querySelector('meta[name="answers-form"]');
  if (answer) {
    if (sent.to !== here()) return;
    if (answer.content === 'refused') remember({ ...sent, refused: true });
    else sessionStorage.removeItem(KEY);
    history.replaceState({ form: sent.id }, '', sent.at + location.hash);
  } else if (!sent.refused) sessionStorage.removeItem(KEY);
  else if (history.state && history.state.form === sent.id && sent.at === here()) fill(sent);
})();
`;

export const ANSWERED_FORM_HASH = createHash('sha256')
  .update(ANSWERED_FORM_SCRIPT)
  .digest('base64url')
  .slice(0, 16);

/** The script's address; it changes with its content, so that no kept copy grows old. */
export const ANSWERED_FORM_ADDRESS = `/assets/forms.js?v=${ANSWERED_FORM_HASH}`;
