/** Just enough of a browser's eyes to find links and fill in forms. */
export interface Field {
  /** `input` types, or `textarea`, `select`, `submit`. */
  type: string;
  name: string;
  value: string;
  required: boolean;
  checked: boolean;
  /** Label, placeholder, title: what a person reads beside it. */
  says: string;
  options: string[];
}
export interface Form {
  method: 'GET' | 'POST';
  action: string;
  fields: Field[];
}
export interface Link {
  href: string;
  text: string;
}

interface Tag {
  name: string;
  end: boolean;
  attributes: Map<string, string>;
  /** The text up to the next tag, entities decoded. */
  after: string;
}

const FIELDS = new Set(['input', 'button', 'textarea', 'select']);
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

export const decodeEntities = (text: string): string =>
  text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,6});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole;
  });

/** Reads tags one after another; script, style and comments are passed over. */
function tagsOf(html: string): Tag[] {
  const tags: Tag[] = [];
  for (let at = html.indexOf('<'); at >= 0 && tags.length < 50_000; at = html.indexOf('<', at)) {
    if (html.startsWith('<!--', at)) {
      const end = html.indexOf('-->', at);
      if (end < 0) break;
      at = end + 3;
      continue;
    }
    const opening = /^<(\/?)([a-z][a-z0-9-]*)/i.exec(html.slice(at, at + 60));
    if (!opening) {
      at += 1;
      continue;
    }
    const { attributes, end } = attributesOf(html, at + opening[0].length);
    const name = (opening[2] ?? '').toLowerCase();
    at = end;
    if ((name === 'script' || name === 'style') && !opening[1]) {
      const close = html.toLowerCase().indexOf(`</${name}`, at);
      if (close < 0) break;
      at = close;
    }
    const next = html.indexOf('<', at);
    const after = decodeEntities(html.slice(at, next < 0 ? undefined : next));
    tags.push({ name, end: opening[1] === '/', attributes, after });
    if (next < 0) break;
  }
  return tags;
}

function attributesOf(html: string, from: number): { attributes: Map<string, string>; end: number } {
  const attributes = new Map<string, string>();
  const pattern = /\s*(?:(\/?>)|([^\s=>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?|\/)/gy;
  pattern.lastIndex = from;
  for (let found = pattern.exec(html); found; found = pattern.exec(html)) {
    if (found[1]) return { attributes, end: pattern.lastIndex };
    const name = found[2]?.toLowerCase();
    if (name !== undefined && !attributes.has(name)) {
      attributes.set(name, decodeEntities(found[3] ?? found[4] ?? found[5] ?? ''));
    }
  }
  return { attributes, end: html.length };
}

export function linksOf(html: string): Link[] {
  const links: Link[] = [];
  let open: Link | null = null;
  for (const tag of tagsOf(html)) {
    if (tag.name === 'a' && !tag.end) {
      open = { href: tag.attributes.get('href') ?? '', text: '' };
      links.push(open);
    } else if (tag.name === 'a') open = null;
    if (open) open.text += tag.after;
  }
  return links.filter((link) => link.href !== '');
}

export function formsOf(html: string): Form[] {
  const tags = tagsOf(html);
  const labelOf = labelsOf(tags);
  const forms: Form[] = [];
  let form: Form | null = null;
  let field: Field | null = null;
  for (const tag of tags) {
    const get = (name: string): string => tag.attributes.get(name) ?? '';
    if (tag.name === 'form') {
      form = tag.end
        ? null
        : {
            method: get('method').toUpperCase() === 'POST' ? 'POST' : 'GET',
            action: get('action'),
            fields: [],
          };
      if (form) forms.push(form);
      continue;
    }
    if (!form || tag.attributes.has('disabled')) continue;
    if (tag.name === 'option' && !tag.end && field?.type === 'select') {
      const value = tag.attributes.get('value') ?? tag.after.trim();
      field.options.push(value);
      if (tag.attributes.has('selected') || field.options.length === 1) field.value = value;
    }
    if (!FIELDS.has(tag.name) || tag.end) continue;
    const kind = get('type').toLowerCase();
    field = {
      type: tag.name === 'button' ? kind || 'submit' : tag.name === 'input' ? kind || 'text' : tag.name,
      name: get('name'),
      value:
        tag.name === 'textarea'
          ? tag.after
          : (tag.attributes.get('value') ?? (kind === 'checkbox' ? 'on' : '')),
      required: tag.attributes.has('required'),
      checked: tag.attributes.has('checked'),
      says: [get('name'), labelOf(tag), get('placeholder'), get('aria-label'), get('autocomplete')]
        .concat(tag.name === 'button' ? [tag.after] : [])
        .join(' ')
        .toLowerCase(),
      options: [],
    };
    form.fields.push(field);
  }
  return forms;
}

/** The text of each field's label, whether it names the field or stands around it. */
function labelsOf(tags: Tag[]): (field: Tag) => string | undefined {
  const byId = new Map<string, string>();
  const byField = new Map<Tag, string>();
  let label: { for: string | undefined; inside: Tag | null; text: string } | null = null;
  for (const tag of tags) {
    if (tag.name === 'label' && !tag.end) label = { for: tag.attributes.get('for'), inside: null, text: '' };
    if (!label) continue;
    if (tag.name === 'label' && tag.end) {
      if (label.for !== undefined) byId.set(label.for, label.text);
      else if (label.inside) byField.set(label.inside, label.text);
      label = null;
      continue;
    }
    if (FIELDS.has(tag.name) && !tag.end) label.inside ??= tag;
    label.text += tag.after;
  }
  return (field) => byField.get(field) ?? byId.get(field.attributes.get('id') ?? '');
}
