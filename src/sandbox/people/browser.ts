import { request } from 'undici';
import type { Form } from './html.ts';

export interface Page {
  url: string;
  status: number;
  html: string;
}

const MAX_PAGE_BYTES = 2 * 1024 * 1024;
const PATIENCE_MS = 15_000;

/** A person's browser: keeps cookies, follows redirects, sends forms. It runs no script. */
export class Browser {
  /** By origin. */
  private readonly cookies = new Map<string, Map<string, string>>();

  get(url: string): Promise<Page> {
    return this.go('GET', url, null, null);
  }

  /** @param values what was filled in; names may repeat */
  send(page: Page, form: Form, values: [string, string][]): Promise<Page> {
    const target = new URL(form.action || page.url, page.url);
    const body = new URLSearchParams(values);
    if (form.method === 'GET') {
      target.search = body.toString();
      return this.go('GET', target.href, null, page.url);
    }
    return this.go('POST', target.href, body.toString(), page.url);
  }

  private async go(
    method: 'GET' | 'POST',
    url: string,
    body: string | null,
    from: string | null,
  ): Promise<Page> {
    let here = new URL(url);
    let verb = method;
    let content = body;
    for (let hops = 0; hops < 6; hops += 1) {
      const jar = this.cookies.get(here.origin);
      const answer = await request(here, {
        method: verb,
        headers: {
          'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
          accept: 'text/html,application/xhtml+xml',
          'accept-language': 'en',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'document',
          'sec-fetch-site': from === null ? 'none' : 'same-origin',
          ...(jar?.size ? { cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; ') } : {}),
          ...(content === null
            ? {}
            : { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(from ?? url).origin }),
          ...(from === null ? {} : { referer: from }),
        },
        ...(content === null ? {} : { body: content }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      this.keep(here.origin, answer.headers['set-cookie']);
      const location = answer.headers['location'];
      if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string') {
        await answer.body.dump();
        from = here.href;
        here = new URL(location, here);
        if (answer.statusCode < 307) [verb, content] = ['GET', null];
        continue;
      }
      return { url: here.href, status: answer.statusCode, html: await text(answer.body) };
    }
    throw new Error(`${url} redirects without end`);
  }

  private keep(origin: string, header: string | string[] | undefined): void {
    const jar = this.cookies.get(origin) ?? new Map<string, string>();
    this.cookies.set(origin, jar);
    for (const line of header === undefined ? [] : [header].flat()) {
      const [pair = '', ...attributes] = line.split(';');
      const at = pair.indexOf('=');
      if (at < 1) continue;
      const gone = attributes.some((a) => /^\s*max-age\s*=\s*0\s*$/i.test(a));
      if (gone) jar.delete(pair.slice(0, at).trim());
      else if (jar.size < 50) jar.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
    }
  }
}

async function text(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_PAGE_BYTES) throw new Error('the page is larger than 2 MB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
