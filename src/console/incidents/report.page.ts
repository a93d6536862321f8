import { Body, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission, Takes } from '../../domain/access/route.ts';
import { FileReports } from '../../domain/exposures/file-reports.service.ts';
import { reportSchema } from '../../domain/exposures/report.schema.ts';
import { ReportsService } from '../../domain/exposures/reports.service.ts';
import { TriageService } from '../../domain/exposures/triage.service.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { ReportView } from './report.view.tsx';

/** A file and the few fields beside it. */
const MOST = 1024 * 1024 + 16 * 1024;

const leakForm = z.object({
  value: z.string().max(65_536).default(''),
  supplierId: z.string().trim().max(300).default(''),
  kind: z.string().trim().max(100).default(''),
  url: z.string().trim().max(2000).default(''),
  path: z.string().trim().max(1000).default(''),
});
const fileForm = z.object({
  kind: z.string().max(60),
  file: z
    .instanceof(Buffer, { error: 'Choose a file.' })
    .refine((file) => file.length > 0, 'The file is empty.'),
});

/** A person reports a leak, or hands in what a scanner found. What it matched is for the operator. */
@ConsolePage()
export class ReportPage {
  constructor(
    private readonly reports: ReportsService,
    private readonly files: FileReports,
    private readonly triage: TriageService,
  ) {}

  @Get('report')
  @Permission('exposures:report', { face: 'console' })
  show(@By() by: Principal): Promise<Answer> {
    return this.#draw(by);
  }

  @Post('report')
  @Permission('exposures:report', { face: 'console' })
  async report(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const { value: _, ...typed } = typedIn(body);
    const form = readForm(leakForm, body);
    if (!form.ok) return this.#draw(by, { typed, problems: form.error });
    const { value, supplierId, kind, url, path } = form.value;
    const seen = url !== '' || path !== '';
    const place = { type: 'person', ...(url === '' ? {} : { url }), ...(path === '' ? {} : { path }) };
    const read = reportSchema.safeParse({
      ...(value === '' ? {} : { value }),
      ...(supplierId === '' ? {} : { supplierId }),
      ...(kind === '' ? {} : { kind }),
      ...(seen ? { foundAt: [place] } : {}),
    });
    if (!read.success) {
      const problems: Record<string, string> = {};
      for (const { path: at, message } of read.error.issues)
        problems[String(at.at(-1) ?? '')] ??=
          at[0] === 'value' && value === '' ? 'Give the value, or the supplier’s id of it.' : message;
      return this.#draw(by, { typed, problems });
    }
    const filed = await this.reports.report([read.data], by);
    if (!filed.ok) return this.#draw(by, { typed, problems: { '': filed.error.message } });
    const [first] = filed.value.exposures;
    return goes('/report', { tone: 'dead', text: `Your report is ${first!.reference}. Thank you.` });
  }

  @Post('report/file')
  @Permission('exposures:report', { face: 'console' })
  @Takes('upload', { limit: MOST })
  async file(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const form = readForm(fileForm, body);
    if (!form.ok) return this.#draw(by, { fileProblem: Object.values(form.error)[0] });
    const { kind, file } = form.value;
    const tray = await this.files.tray(kind, undefined, by);
    const taken = tray.ok ? await this.files.take(tray.value, file, by) : tray;
    if (!taken.ok) {
      const problems = problemsOf(taken.error.message, taken.error.fields);
      const line = taken.error.fields?.[0]?.line;
      const said = Object.entries(problems).map(([field, text]) =>
        field === '' ? text : `${field}: ${text}`,
      );
      return this.#draw(by, {
        fileProblem: `${line === undefined ? '' : `Line ${line}, `}${said.join(' ')}`,
        fileKind: kind,
      });
    }
    const { reports, acknowledged } = taken.value;
    const count = reports === 1 ? 'One finding is' : `${reports} findings are`;
    return goes('/report', {
      tone: 'dead',
      text: acknowledged === null ? `${count} reported. Thank you.` : `The file is ${acknowledged}.`,
    });
  }

  async #draw(
    by: Principal,
    bad: {
      typed?: Record<string, string>;
      problems?: FormProblems;
      fileProblem?: string | undefined;
      fileKind?: string;
    } = {},
  ): Promise<Answer> {
    const own = by.partyId === null ? [] : (await this.triage.list({ limit: 20 }, by)).exposures;
    const refused = bad.problems !== undefined || bad.fileProblem !== undefined;
    return shows(
      (frame) =>
        ReportView({
          frame,
          kinds: this.files.kinds(),
          own,
          ...bad,
        }),
      refused ? 422 : 200,
    );
  }
}
