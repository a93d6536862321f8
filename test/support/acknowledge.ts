import { AcknowledgementService } from '../../src/domain/notices/acknowledgement.service.ts';
import { expectOk } from '../../src/kernel/result.ts';
import type { TestApp } from './app.ts';

/** Somebody opens the link of a mail, reads, types their name and the code, and confirms. */
export async function acknowledgeLink(world: TestApp, mailText: string, name: string): Promise<void> {
  const token = /\/n\/([A-Za-z0-9_-]+)/.exec(mailText)?.[1];
  if (token === undefined) throw new Error(`the mail has no link: ${mailText}`);
  const service = world.app.get(AcknowledgementService);
  const { notice } = expectOk(await service.show(token));
  const code = acknowledgementCode(mailText);
  expectOk(await service.acknowledge(token, { name, code, textHash: notice.textHash }));
}

/** The code of a mail: it shows that a person read the message, and not only followed its link. */
export function acknowledgementCode(mailText: string): string {
  const code = /(?:with the code|mit dem Code) (\d{6})/.exec(mailText)?.[1];
  if (code === undefined) throw new Error(`the mail has no code: ${mailText}`);
  return code;
}
