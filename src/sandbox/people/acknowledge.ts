import type { ReadMail } from '../mail/mail-server.ts';
import { acknowledgementScore, acknowledges, codeIn } from './app-api.ts';
import { Browser } from './browser.ts';
import { formsOf, linksOf } from './html.ts';
import type { Field, Form, Link } from './html.ts';

export type Acknowledgement =
  | { outcome: 'acknowledged'; detail: string }
  /** The mail asks for nothing. */
  | { outcome: 'nothing to do'; detail: string }
  /** Worth another try: nobody there, or not now. */
  | { outcome: 'later'; detail: string }
  | { outcome: 'failed'; detail: string };

/** Links of a mail that lead to the product, the likeliest first. */
export function linksToFollow(mail: Pick<ReadMail, 'html' | 'text'>, app: string): string[] {
  const seen = new Map<string, number>();
  const inText = (mail.text.match(/https?:\/\/[^\s<>"')\]]+/g) ?? []).map((href): Link => ({
    href,
    text: '',
  }));
  for (const link of [...linksOf(mail.html), ...inText]) {
    if (!URL.canParse(link.href) || new URL(link.href).origin !== new URL(app).origin) continue;
    const score = acknowledgementScore(link);
    if (score > (seen.get(link.href) ?? 0)) seen.set(link.href, score);
  }
  return [...seen].sort((a, b) => b[1] - a[1]).map(([href]) => href);
}

/** Reads a mail, opens its page, puts the name on it and sends it, as the person would. */
export async function acknowledge(
  mail: Pick<ReadMail, 'html' | 'text'>,
  person: { name: string; email: string; app: string },
): Promise<Acknowledgement> {
  const links = linksToFollow(mail, person.app).slice(0, 3);
  if (links.length === 0) return { outcome: 'nothing to do', detail: 'no link to follow' };
  let detail = 'no page with a form to acknowledge';
  for (const link of links) {
    try {
      const browser = new Browser();
      const page = await browser.get(link);
      if (page.status >= 500 || page.status === 429)
        return { outcome: 'later', detail: `page: ${page.status}` };
      const form = page.status < 400 ? acknowledgementForm(formsOf(page.html)) : null;
      if (!form) {
        detail = `page: ${page.status}, no form to acknowledge`;
        continue;
      }
      const sent = await browser.send(page, form, filledIn(form, { ...person, code: codeIn(mail.text) }));
      if (sent.status >= 500 || sent.status === 429)
        return { outcome: 'later', detail: `form: ${sent.status}` };
      if (sent.status >= 400) return { outcome: 'failed', detail: `form: ${sent.status}` };
      return { outcome: 'acknowledged', detail: `form: ${sent.status}` };
    } catch (error) {
      return { outcome: 'later', detail: (error as Error).message };
    }
  }
  return { outcome: 'nothing to do', detail };
}

/** The form that says it acknowledges, else the only one that is sent; nobody acknowledges by composing a text. */
export function acknowledgementForm(forms: Form[]): Form | null {
  const sent = forms.filter((form) => form.method === 'POST');
  const telling = sent.find((form) =>
    acknowledges(`${form.action} ${form.fields.map((f) => f.says + f.value).join(' ')}`),
  );
  if (telling) return telling;
  const [only] = sent;
  const composed = only?.fields.some((field) => field.type === 'textarea' && field.required) ?? true;
  return only && sent.length === 1 && !composed ? only : null;
}

/** What a person writes into the form; hidden fields go back as they came. */
export function filledIn(
  form: Form,
  person: { name: string; email: string; code: string | null },
): [string, string][] {
  const values: [string, string][] = [];
  const choices = new Set<string>();
  for (const field of form.fields) {
    if (field.name === '') continue;
    if (field.type === 'submit' || field.type === 'image') continue;
    const value = fill(field, person, choices);
    if (value !== null) values.push([field.name, value]);
  }
  const buttons = form.fields.filter((f) => f.type === 'submit');
  const pressed = buttons.find((f) => acknowledges(`${f.says} ${f.value}`)) ?? buttons[0];
  if (pressed && pressed.name !== '') values.push([pressed.name, pressed.value]);
  return values;
}

function fill(
  field: Field,
  person: { name: string; email: string; code: string | null },
  choices: Set<string>,
): string | null {
  switch (field.type) {
    case 'hidden':
    case 'select':
      return field.value === '' ? (field.options.find((o) => o !== '') ?? '') : field.value;
    case 'checkbox':
      return field.checked || field.required || acknowledges(field.says) ? field.value : null;
    case 'radio': {
      if (choices.has(field.name)) return null;
      choices.add(field.name);
      return field.value;
    }
    case 'button':
    case 'reset':
    case 'file':
      return null;
    case 'textarea':
      return field.value.trim() || (field.required ? 'Received. We are on it.' : '');
    case 'email':
      return person.email;
    default:
      if (field.value !== '') return field.value;
      if (/code/.test(field.says)) return person.code ?? '';
      if (/mail/.test(field.says)) return person.email;
      if (/name/.test(field.says)) return person.name;
      if (/title|role|position|function/.test(field.says)) return 'Security on call';
      return field.required ? person.name : '';
  }
}
