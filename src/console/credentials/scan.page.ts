import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { readStrictJson } from '../../kernel/strict-json.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission, Takes } from '../../domain/access/route.ts';
import { scanReportSchema } from '../../domain/revocation/look.schema.ts';
import { LooksService } from '../../domain/revocation/looks.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { OF_COPY, OF_CREDENTIAL, copyFound, type RefusedForm } from './copy-found.ts';
import { ScanView } from './scan.view.tsx';

/** A file and the few fields beside it. */
const MOST = 1024 * 1024 + 16 * 1024;

const form = z.object({
  versionId: z.uuid('Choose the version that was looked for.'),
  format: z.enum(['gitleaks', 'sarif']),
  scannedAt: z.string().trim().default(''),
  covers: z.string().max(100_000).default(''),
  file: z
    .instanceof(Buffer, { error: 'Choose the file.' })
    .refine((file) => file.length > 0, 'The file is empty.'),
});

/** What a scanner found, or did not find, at the place of a copy: its file is judged and dropped. */
@ConsolePage()
export class ScanPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly looks: LooksService,
  ) {}

  @Get('credentials/:reference/locations/:location/scan')
  @Permission('copies:report', { face: 'console' })
  show(
    @Param('reference', OF_CREDENTIAL) credential: string,
    @Param('location', OF_COPY) location: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(credential, location, by);
  }

  @Post('credentials/:reference/locations/:location/scan')
  @Permission('copies:report', { face: 'console' })
  @Takes('upload', { limit: MOST })
  async take(
    @Param('reference', OF_CREDENTIAL) credential: string,
    @Param('location', OF_COPY) location: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#find(credential, location, by);
    const typed = typedIn(body);
    const refused = (problems: RefusedForm['problems']) =>
      this.#draw(credential, location, by, { typed, problems });
    const filled = readForm(form, body);
    if (!filled.ok) return refused(filled.error);
    const { file, covers, scannedAt, ...rest } = filled.value;
    const report = readStrictJson(file);
    if (!report.ok) return refused({ file: 'This is no JSON file. Upload it as the scanner wrote it.' });
    const read = scanReportSchema.safeParse({
      ...rest,
      report: report.value,
      scannedAt: scannedAt === '' ? iso(this.clock.now()) : scannedAt,
      covers: covers
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    });
    if (!read.success) {
      const problems: Record<string, string> = {};
      for (const { path, message } of read.error.issues) {
        const field = String(path[0] ?? '');
        problems[field === 'report' ? 'file' : field] ??=
          field === 'report' ? 'It is not in the form of that scanner.' : message;
      }
      return refused(problems);
    }
    const looked = await this.looks.scanned(by, location, read.data);
    if (!looked.ok) {
      if (looked.error.kind === 'not_found') throw new Refused(looked.error);
      const { report: inFile, ...others } = problemsOf(looked.error.message, looked.error.fields);
      return refused(inFile === undefined ? others : { ...others, file: inFile });
    }
    const { verdict, why } = looked.value;
    return goes(`/credentials/${credential}/locations/${location}/scan`, {
      tone: verdict === 'gone' ? 'dead' : verdict === 'present' ? 'live' : 'wait',
      text: `${verdict === 'gone' ? 'It is gone' : verdict === 'present' ? 'It is still there' : 'The scan does not tell'}: ${why}.`,
    });
  }

  async #draw(credential: string, location: Id, by: Principal, refused?: RefusedForm): Promise<Answer> {
    const found = await this.#find(credential, location, by);
    return shows(
      (frame) => ScanView({ frame, ...found, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }

  #find(credential: string, location: Id, by: Principal) {
    return copyFound(this.transactions, by, { credential, location }, async () => ({}));
  }
}
