import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import {
  accountableParties,
  portfolioMatrix,
  type PortfolioMatrixLine,
} from '../../domain/responsibility/portfolio-matrix.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor } from '../shared/paging.tsx';
import { words } from '../shared/states.tsx';
import { csvText } from './csv.rules.ts';
import { portfolioQuery, type PortfolioAsked } from './matrix.schema.ts';
import { PortfolioMatrixView } from './portfolio-matrix.view.tsx';

/** Integrations against duties: who answers, and where nobody does. */
@ConsolePage()
export class PortfolioMatrixPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('matrices')
  @Permission('matrices:read', { face: 'console' })
  async show(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const asked = portfolioQuery.parse(query ?? {});
    const after = readCursor(asked.after);
    const { rows, parties } = await this.transactions.run(by, async (db) => ({
      rows: await portfolioMatrix(
        db,
        {
          ...filterOf(asked),
          after: after && { name: after.key, id: after.id },
          limit: PAGE_SIZE + 1,
        },
        this.clock.now(),
      ),
      parties: await accountableParties(db),
    }));
    const page = listed(rows, ({ name, id }) => cursorText({ key: name, id }));
    return shows((frame) => PortfolioMatrixView({ frame, asked, page, parties }));
  }
}

const AT_ONCE = 500;

/** The same as a file; read in pages, so that the whole portfolio passes through little memory. */
@Controller()
@ApiExcludeController()
export class PortfolioMatrixFile {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('matrices.csv')
  @Permission('matrices:read', { face: 'console' })
  @PerMinute(10)
  async csv(@Query() query: unknown, @By() by: Principal, @Res() reply: FastifyReply): Promise<void> {
    const asked = portfolioQuery.parse(query ?? {});
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="matrices.csv"',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    if (reply.request.method === 'HEAD') {
      reply.raw.end();
      return;
    }
    reply.raw.write(
      csvText([['reference', 'integration', 'state', 'matrix', 'version', ...DUTIES.map(words)]]),
    );
    let after: { name: string; id: string } | undefined;
    do {
      const rows = await this.transactions.run(by, (db) =>
        portfolioMatrix(db, { ...filterOf(asked), after, limit: AT_ONCE }, this.clock.now()),
      );
      const last = rows.at(-1);
      after = rows.length === AT_ONCE && last ? { name: last.name, id: last.id } : undefined;
      const more = reply.raw.write(csvText(rows.map(recordOf)));
      if (!more && !reply.raw.destroyed)
        await new Promise((resolve) => reply.raw.once('drain', resolve).once('close', resolve));
    } while (after && !reply.raw.destroyed);
    reply.raw.end();
  }
}

function filterOf(asked: PortfolioAsked) {
  const q = asked.q?.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return {
    ...(asked.party === undefined ? {} : { partyId: asked.party }),
    ...(asked.duty === undefined ? {} : { duty: asked.duty }),
    ...(q ? { text: q } : {}),
    gap: asked.gap === '1',
  };
}

function recordOf(line: PortfolioMatrixLine): string[] {
  return [
    line.reference,
    line.name,
    words(line.state),
    line.matrixState === null ? 'none' : words(line.matrixState),
    line.number === null ? '' : String(line.number),
    ...DUTIES.map((duty) => line.accountable[duty]?.join('; ') ?? 'GAP'),
  ];
}
