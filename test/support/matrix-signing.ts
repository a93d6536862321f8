import { CountersigningService } from '../../src/domain/responsibility/countersigning.service.ts';
import type { VersionView } from '../../src/domain/responsibility/matrix.schema.ts';
import { SigningLinks } from '../../src/domain/responsibility/signing-links.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { until, type TestApp } from './app.ts';
import type { MailServer, ReceivedMail } from './mail-server.ts';

export const linkIn = ({ text }: ReceivedMail, path = 'm') =>
  new RegExp(`/${path}/([A-Za-z0-9_-]{43})`).exec(text)![1]!;
export const codeIn = ({ text }: ReceivedMail) => /^(\d{8})$/m.exec(text)![1]!;

/** Signs a version with an account of this installation. @returns the id of what was signed */
export async function signHere(
  world: TestApp,
  versionId: Id,
  { contentHash, texts }: VersionView,
  who: Principal,
): Promise<Id> {
  const { textHash } = texts.find(({ language }) => language === 'en')!;
  const input = { signsFor: 'Olga Reyes, contract owner', contentHash, textHash, language: 'en' };
  return expectOk(await world.app.get(CountersigningService).attest(versionId, input, who)).attestationId;
}

/** Signs by the link and the code that were mailed to a contact. @returns the link, and what it showed */
export async function signByMail(
  world: TestApp,
  mail: MailServer,
  to: string,
  { contentHash }: Pick<VersionView, 'contentHash'>,
  language?: string,
) {
  const links = world.app.get(SigningLinks);
  const from = { correlationId: 'matrix-signing', ip: '192.0.2.7' };
  const invited = () =>
    mail.received.findLast((one) => one.to.includes(to) && one.text.includes(contentHash));
  await until(() => invited() !== undefined, 'the invitation');
  const link = linkIn(invited()!);
  const shown = expectOk(await links.show(link, language, from));
  const before = mail.received.length;
  expectOk(await links.sendCode(link, 'sign', from));
  const code = codeIn(await mail.letter(to, /^Your code/, before));
  const { language: read, textHash } = shown;
  const input = { signsFor: 'Nora Visser, head of security', language: read, contentHash, textHash, code };
  expectOk(await links.attest(link, input, from));
  return { link, shown };
}
