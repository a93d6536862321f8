/**
 * Keeps what stands beside a form in step with what is typed into it: asks the address that the form names for the page as
 * it would be, takes from it the part that the form names and what is wrong with each field, and has the form's own button
 * fill the frame. Without scripts the same buttons do it when they are pressed.
 */
export const LIVE_PREVIEW_SCRIPT = `(() => {
  const form = document.querySelector('form[data-live]');
  if (!form) return;
  const PAUSE = 350;
  let timer;
  let newest = 0;
  const tell = (field, read) => {
    const found = read.getElementById(field.id + '-error');
    const shown = document.getElementById(field.id + '-error');
    if (found && shown) shown.textContent = found.textContent;
    else if (found) field.after(document.importNode(found, true));
    else if (shown) shown.remove();
    const here = read.getElementById(field.id);
    for (const name of ['aria-invalid', 'aria-describedby']) {
      const value = here && here.getAttribute(name);
      if (value) field.setAttribute(name, value);
      else field.removeAttribute(name);
    }
  };
  const fill = () => {
    const frame = document.querySelector('iframe[name="' + form.dataset.frame + '"]');
    const button = form.querySelector('button[formtarget="' + form.dataset.frame + '"]');
    if (!frame || !button) return;
    // A new frame: what loads in it first leaves nothing behind for the back button.
    const fresh = frame.cloneNode();
    fresh.removeAttribute('src');
    frame.replaceWith(fresh);
    form.requestSubmit(button);
  };
  const show = async () => {
    const mine = ++newest;
    const part = document.getElementById(form.dataset.part);
    try {
      const answer = await fetch(form.dataset.live, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
      const read = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const found = read.getElementById(form.dataset.part);
      if (mine !== newest || !part) return;
      if (!answer.ok || !found) throw new Error();
      part.replaceWith(document.importNode(found, true));
      for (const field of form.querySelectorAll('input[id], textarea[id], select[id]')) tell(field, read);
      if (!form.querySelector('.error')) fill();
    } catch {
      if (mine === newest && part) part.dataset.stale = 'true';
    }
  };
  form.addEventListener('submit', (event) => {
    if (event.submitter && event.submitter.formTarget === form.dataset.frame) return;
    clearTimeout(timer);
    newest++;
  });
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(show, PAUSE); });
})();
`;
