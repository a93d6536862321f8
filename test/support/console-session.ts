import type { TestApp } from './app.ts';

const cookieOf = (answer: { headers: { 'set-cookie'?: string | string[] } }) =>
  [answer.headers['set-cookie'] ?? ''].flat()[0]!.split(';')[0]!;
const tokenOf = (html: string) => /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';

/** Somebody who is signed in to the console, without a browser: pages are read and forms are sent as one would. */
export class ConsoleSession {
  private constructor(
    private readonly world: TestApp,
    private readonly cookie: string,
  ) {}

  static async signIn(
    world: TestApp,
    email: string,
    password: string,
    headers: Record<string, string> = {},
  ): Promise<ConsoleSession> {
    const form = await world.app.inject({ url: '/sign-in' });
    const answer = await world.app.inject({
      method: 'POST',
      url: '/sign-in',
      headers: { ...headers, cookie: cookieOf(form), 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ email, password, next: '/', _csrf: tokenOf(form.body) }).toString(),
    });
    if (answer.statusCode !== 303) throw new Error(`not signed in: ${answer.statusCode}`);
    return new ConsoleSession(world, cookieOf(answer));
  }

  async page(url: string): Promise<{ status: number; html: string }> {
    const { statusCode, body } = await this.world.app.inject({ url, headers: { cookie: this.cookie } });
    return { status: statusCode, html: body };
  }

  async file(url: string): Promise<Buffer> {
    return (await this.world.app.inject({ url, headers: { cookie: this.cookie } })).rawPayload;
  }

  /** Sends a form that stands on the page `from`. */
  async send(
    from: string,
    action: string,
    fields: Record<string, string> | [string, string][],
  ): Promise<{ status: number; html: string; location: string | undefined }> {
    const { html } = await this.page(from);
    const answer = await this.world.app.inject({
      method: 'POST',
      url: action,
      headers: { cookie: this.cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams([
        ...(Array.isArray(fields) ? fields : Object.entries(fields)),
        ['_csrf', tokenOf(html)],
      ]).toString(),
    });
    return {
      status: answer.statusCode,
      html: answer.body,
      location: answer.headers.location as string | undefined,
    };
  }

  /** Sends a form exactly as the page shows it, as if somebody only pressed its button. */
  async sendAsShown(
    from: string,
    action: string,
    change: (fields: [string, string][]) => [string, string][] = (fields) => fields,
  ): ReturnType<ConsoleSession['send']> {
    const { html } = await this.page(from);
    return this.send(from, action, change(fieldsOf(html, action)));
  }
}

const unescaped = (text: string) =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
const attribute = (tag: string, name: string) =>
  unescaped(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '');

/** The fields of a form of a page with what a browser would send for them. */
export function fieldsOf(html: string, action: string): [string, string][] {
  const [form] = [...html.matchAll(/<form [^]*?<\/form>/g)]
    .map(([one]) => one)
    .filter((one) => attribute(one, 'action') === action);
  if (form === undefined) throw new Error(`no form that goes to ${action}`);
  const fields: [string, string][] = [];
  for (const [tag, single, double] of form.matchAll(
    /<(?:(input)\b[^>]*>|(select|textarea)\b[^>]*>[^]*?<\/\2>)/g,
  )) {
    const kind = single ?? double;
    const [opening = ''] = /^<[^>]*>/.exec(tag) ?? [];
    const name = attribute(opening, 'name');
    if (name === '_csrf') continue;
    if (kind === 'select') {
      const [first] = /<option\b[^>]*>/.exec(tag) ?? [];
      const [chosen = first ?? ''] = /<option\b[^>]*\sselected[^>]*>/.exec(tag) ?? [];
      fields.push([name, attribute(chosen, 'value')]);
    } else if (kind === 'textarea') {
      fields.push([name, unescaped(tag.slice(opening.length, -'</textarea>'.length))]);
    } else if (!/type="(radio|checkbox)"/.test(opening) || /\schecked\b/.test(opening)) {
      fields.push([name, attribute(opening, 'value')]);
    }
  }
  return fields;
}
