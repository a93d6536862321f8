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

  static async signIn(world: TestApp, email: string, password: string): Promise<ConsoleSession> {
    const form = await world.app.inject({ url: '/sign-in' });
    const answer = await world.app.inject({
      method: 'POST',
      url: '/sign-in',
      headers: { cookie: cookieOf(form), 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ email, password, next: '/', _csrf: tokenOf(form.body) }).toString(),
    });
    if (answer.statusCode !== 303) throw new Error(`not signed in: ${answer.statusCode}`);
    return new ConsoleSession(world, cookieOf(answer));
  }

  async page(url: string): Promise<{ status: number; html: string }> {
    const { statusCode, body } = await this.world.app.inject({ url, headers: { cookie: this.cookie } });
    return { status: statusCode, html: body };
  }

  /** Sends a form that stands on the page `from`. */
  async send(
    from: string,
    action: string,
    fields: Record<string, string>,
  ): Promise<{ status: number; html: string; location: string | undefined }> {
    const { html } = await this.page(from);
    const answer = await this.world.app.inject({
      method: 'POST',
      url: action,
      headers: { cookie: this.cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ ...fields, _csrf: tokenOf(html) }).toString(),
    });
    return {
      status: answer.statusCode,
      html: answer.body,
      location: answer.headers.location as string | undefined,
    };
  }
}
