import { mkdir, open, readdir, rename, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import type { Config } from '../../platform/config/config.ts';
import { CONFIG } from '../../platform/config/token.ts';
import { MOST_REPORT } from '../../platform/mail/delivery-report.ts';
import { Sweep, type Sweeper } from '../../platform/queue/handlers.ts';
import { BouncesService } from './bounces.service.ts';

/** Messages of one turn: a flood of bounces delays nothing else for long. */
const AT_ONCE = 200;

/**
 * Reads the mailbox that bounces go to, where the mail server delivers it into a folder (Maildir: a message is complete
 * once it stands in `new`). Reports are taken and removed; whatever else comes there is left for a person, in `cur`.
 */
@Sweep({ name: 'notices.maildrop', every: 15 * SECOND })
export class MaildropSweep implements Sweeper {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly bounces: BouncesService,
  ) {}

  async sweep(by: Principal): Promise<void> {
    const folder = this.config.bounceMaildir;
    if (folder === undefined) return;
    const names = (await readdir(join(folder, 'new')).catch(() => [])).filter(
      (name) => !name.startsWith('.'),
    );
    for (const name of names.sort().slice(0, AT_ONCE)) {
      const path = join(folder, 'new', name);
      const raw = await readSome(path);
      const handed = raw === undefined ? undefined : await this.bounces.take(raw, by);
      if (handed === undefined || handed.is === 'no-report') {
        await mkdir(join(folder, 'cur'), { recursive: true });
        await rename(path, join(folder, 'cur', `${name}:2,`));
      } else await unlink(path);
    }
  }
}

/** Undefined: more than any report has, or no plain file. */
async function readSome(path: string): Promise<Buffer | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    return size > MOST_REPORT ? undefined : await file.readFile();
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}
