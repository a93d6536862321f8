import { Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { AccessService } from '../../domain/access/access.service.ts';
import { may } from '../../domain/access/permissions.ts';
import { By, PerMinute, Permission } from '../../domain/access/route.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { EventStream } from '../shared/event-stream.ts';
import { reference, searchAfter } from '../shared/search.ts';
import { ConsolePage, shows, type Answer } from '../shared/page.ts';
import { cursorText, listed, PAGE_SIZE, readCursor, readTimeCursor, timeCursor } from '../shared/paging.tsx';
import { AllCasesView, AllCredentialsView, IncidentsView } from './incidents.view.tsx';
import { listIncidents } from './incidents.queries.ts';
import { incidentSearch } from './incidents.schema.ts';
import { casesAfter } from './room-context.queries.ts';
import { exposedCredentials, exposedCursor, findIncident, roomOf } from './room.queries.ts';
import { RoomView } from './room.view.tsx';
import { MOST_VIEWERS, Rooms } from './rooms.ts';

@ConsolePage()
export class IncidentPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly rooms: Rooms,
    private readonly access: AccessService,
  ) {}

  @Get('incidents')
  @Permission('incidents:read', { face: 'console' })
  async list(@Query() query: unknown, @By() by: Principal): Promise<Answer> {
    const asked = incidentSearch.parse(query);
    const rows = await this.transactions.run(by, (db) =>
      listIncidents(db, {
        q: asked.q || undefined,
        state: asked.state || undefined,
        open: asked.open === '1',
        after: readTimeCursor(asked.after),
      }),
    );
    const page = listed(rows, ({ openedAt, id }) => timeCursor(openedAt, id));
    return shows((frame) => IncidentsView({ frame, asked, page }));
  }

  @Get('incidents/:reference')
  @Permission('incidents:read', { face: 'console' })
  async show(@Param('reference', { schema: reference }) name: string, @By() by: Principal): Promise<Answer> {
    const room = await this.transactions.run(by, (db) => roomOf(db, name, this.clock.now()));
    if (!room) throw nowhere();
    return shows((frame) => RoomView({ frame, room }));
  }

  @Get('incidents/:reference/credentials')
  @Permission('incidents:read', { face: 'console' })
  async credentials(
    @Param('reference', { schema: reference }) name: string,
    @Query('after') place: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const from = searchAfter.parse(place);
    const now = this.clock.now();
    const found = await this.transactions.run(by, async (db) => {
      const head = await findIncident(db, name);
      if (!head) throw nowhere();
      const rows = await exposedCredentials(db, head.id, now, {
        after: readCursor(from),
        limit: PAGE_SIZE + 1,
      });
      return { head, rows };
    });
    const page = listed(found.rows, (row) => cursorText(exposedCursor(row)));
    return shows((frame) => AllCredentialsView({ frame, head: found.head, page, first: !from }));
  }

  @Get('incidents/:reference/cases')
  @Permission('incidents:read', { face: 'console' })
  async cases(
    @Param('reference', { schema: reference }) name: string,
    @Query('after') place: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const after = z.uuid().optional().catch(undefined).parse(place);
    const found = await this.transactions.run(by, async (db) => {
      const head = await findIncident(db, name);
      if (!head) throw nowhere();
      return { head, rows: await casesAfter(db, head.id, after, PAGE_SIZE + 1) };
    });
    const page = listed(found.rows, ({ id }) => id);
    return shows((frame) => AllCasesView({ frame, head: found.head, page, first: !after }));
  }

  /** What moves in the room, as it moves. */
  @Get('incidents/:reference/moves')
  @Permission('incidents:read', { face: 'console' })
  @PerMinute(120)
  async moves(
    @Param('reference', { schema: reference }) name: string,
    @By() by: Principal,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const head = await this.transactions.run(by, (db) => findIncident(db, name));
    if (!head) throw nowhere();
    if (request.method === 'HEAD') return new EventStream(reply).end();
    if (this.rooms.viewers >= MOST_VIEWERS) {
      throw new Refused(
        refusal('unavailable', 'too-many-viewers', 'Too many look at once; the page itself still works.', {
          retryAfter: 30 * SECOND,
        }),
      );
    }
    const csrf = reply.generateCsrf();
    // Hijacking leaves out the hook that would keep the session.
    await request.session.save();
    const { userId } = request.session;
    const from = { correlationId: request.correlationId, ip: request.ip };
    this.rooms.join(head, {
      by,
      frame: {
        by,
        csrf,
        areas: [],
        outside: by.partyId !== null,
        path: `/incidents/${name}`,
        may: (permission) => may(by, permission),
      },
      stream: new EventStream(reply),
      admitted: async () => {
        const still = userId === undefined ? undefined : await this.access.principalOfUser(userId, from);
        return still !== undefined && may(still, 'incidents:read');
      },
    });
  }
}

function nowhere(): Refused {
  return new Refused(
    refusal('not_found', 'not-found', 'There is no such incident, or it is not yours to see.'),
  );
}
