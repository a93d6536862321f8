import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { readStrictJson } from '../../kernel/strict-json.ts';
import { iso } from '../../kernel/time.ts';
import { By, Permission, Takes } from '../../domain/access/route.ts';
import { scanReportSchema } from '../../domain/revocation/look.schema.ts';
import { LooksService } from '../../domain/revocation/looks.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { looksAt } from '../incidents/answer.queries.ts';
import { copyToMove } from '../inventory/new.queries.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { ScanView, type RefusedScan } from './scan.view.tsx';

/** A file and the few fields beside it. */
const MOST = 1024 * 1024 + 16 * 1024;

const name = { schema: reference };
const ids = { schema: z.uuid() };
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
    @Param('reference', name) credential: string,
    @Param('location', ids) location: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(credential, location, by);
  }

  @Post('credentials/:reference/locations/:location/scan')
  @Permission('copies:report', { face: 'console' })
  @Takes('upload', { limit: MOST })
  async take(
    @Param('reference', name) credential: string,
    @Param('location', ids) location: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#find(credential, location, by);
    const typed = typedIn(body);
    const refused = (problems: RefusedScan['problems']) =>
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

  async #draw(credential: string, location: Id, by: Principal, refused?: RefusedScan): Promise<Answer> {
    const found = await this.#find(credential, location, by);
    return shows(
      (frame) => ScanView({ frame, ...found, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }

  async #find(credential: string, location: Id, by: Principal) {
    const found = await this.transactions.run(by, async (db) => {
      const copy = await copyToMove(db, credential, location);
      return copy && { copy, looks: await looksAt(db, location) };
    });
    if (!found)
      throw new Refused(
        refusal('not_found', 'not-found', 'There is no such copy, or it is not yours to see.'),
      );
    return found;
  }
}
