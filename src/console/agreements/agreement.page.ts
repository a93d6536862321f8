import { Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { changesBetween } from '../../domain/agreements/agreement-diff.rules.ts';
import { AgreementsService } from '../../domain/agreements/agreements.service.ts';
import {
  findDraft,
  listCalendars,
  previewOf,
  versionContent,
} from '../../domain/agreements/drafts.queries.ts';
import type { DraftContent } from '../../domain/agreements/draft.schema.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { contactNames, findAgreement, type AgreementHead } from './agreements.queries.ts';
import { AgreementView, CompareView } from './agreement.view.tsx';

const name = { schema: reference };
const number = z.coerce.number().int().min(1).max(1_000_000).optional().catch(undefined);
const oneVersion = z.object({ version: number });
const twoVersions = z.object({
  a: number,
  b: z
    .union([z.literal('draft'), number])
    .optional()
    .catch(undefined),
});

@ConsolePage()
export class AgreementPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly agreements: AgreementsService,
  ) {}

  @Get('agreements/:reference')
  @Permission('agreements:read', { face: 'console' })
  async show(
    @Param('reference', name) agreement: string,
    @Query({ schema: oneVersion }) { version }: z.output<typeof oneVersion>,
    @By() by: Principal,
  ): Promise<Answer> {
    const now = this.clock.now();
    const model = await this.transactions.run(by, async (db) => {
      const head = await headOf(db, agreement, now);
      const shown = version ?? head.inForce ?? head.versions[0]?.number;
      const content = shown === undefined ? undefined : await versionContent(db, head.id, shown);
      if (version !== undefined && !content) throw notFound();
      return {
        head,
        shown: content && {
          number: content.number,
          content: content.content,
          preview: previewOf(String(content.number), content.content, await listCalendars(db), now),
        },
        names: await contactNames(db, content ? namedIn(content.content) : []),
      };
    });
    return shows((frame) => AgreementView({ frame, ...model }));
  }

  /** Two versions side by side; the older one first. A draft stands for the version that it would become. */
  @Get('agreements/:reference/compare')
  @Permission('agreements:read', { face: 'console' })
  async compare(
    @Param('reference', name) agreement: string,
    @Query({ schema: twoVersions }) { a, b }: z.output<typeof twoVersions>,
    @By() by: Principal,
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const head = await headOf(db, agreement, this.clock.now());
      const newest = head.versions[0]?.number;
      const [older, newer] = [a ?? (newest ?? 1) - 1, b ?? newest ?? 1];
      const [before, after] = [
        older < 1 ? undefined : (await versionContent(db, head.id, older))?.content,
        newer === 'draft'
          ? (await findDraft(db, head.id))?.content
          : (await versionContent(db, head.id, newer))?.content,
      ];
      const named = await contactNames(
        db,
        [before, after].flatMap((content) => (content ? namedIn(content) : [])),
      );
      return {
        head,
        older,
        newer,
        before,
        after,
        changes:
          before && after
            ? changesBetween(before, after, (id) => named.get(id) ?? 'somebody of the other side')
            : undefined,
      };
    });
    return shows((frame) => CompareView({ frame, ...model }));
  }

  @Post('agreements/:reference/draft/open')
  @Permission('agreements:write', { face: 'console' })
  async open(@Param('reference', name) agreement: string, @By() by: Principal): Promise<Answer> {
    const opened = await this.transactions.run(by, async (db) => {
      const head = await headOf(db, agreement, this.clock.now());
      return this.agreements.openDraft(db, head.id, by);
    });
    return goes(
      opened.ok ? `/agreements/${agreement}/draft` : `/agreements/${agreement}`,
      opened.ok ? undefined : { tone: 'live', text: opened.error.message },
    );
  }
}

export async function headOf(db: Db, agreement: string, now: number): Promise<AgreementHead> {
  const head = await findAgreement(db, agreement, now);
  if (!head) throw notFound();
  return head;
}

export function namedIn({ terms }: DraftContent): string[] {
  return terms.flatMap((term) => [...term.recipients, ...term.fallbackRecipients]);
}

function notFound(): Refused {
  return new Refused(
    refusal('not_found', 'not-found', 'There is no such agreement, or it is not yours to see.'),
  );
}
