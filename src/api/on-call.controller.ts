import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { iso } from '../kernel/time.ts';
import { By, Permission } from '../domain/access/route.ts';
import type { Channel } from '../domain/notices/channel.ts';
import { contactWays } from '../domain/notices/contact-ways.queries.ts';
import { contactWaysSchema } from '../domain/notices/contact-ways.schema.ts';
import { CHANNELS } from '../domain/notices/delivery.service.ts';
import { ContactReach } from '../domain/parties/contact-reach.service.ts';
import { contactReach, onCallNow } from '../domain/parties/on-call.queries.ts';
import {
  absencesSchema,
  contactHoursSchema,
  newAbsenceSchema,
  newAddressSchema,
  onCallSchema,
} from '../domain/parties/on-call.schema.ts';
import { findContact, findParty } from '../domain/parties/parties.queries.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = { schema: z.uuid() };
const madeSchema = z.object({ id: z.uuid() }).meta({ id: 'MadeForContact' });

/** When and how contacts are reached, and whom to call now. */
@ApiTags('portfolio')
@Controller('api/v1')
export class OnCallController {
  constructor(
    private readonly transactions: Transactions,
    private readonly reach: ContactReach,
    private readonly clock: Clock,
    @Inject(CHANNELS) private readonly channels: readonly Channel[],
  ) {}

  @Get('parties/:id/on-call')
  @ApiOperation({ summary: 'See whom to call at a party now, in order' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: onCallSchema })
  onCall(@Param('id', id) partyId: string, @By() by: Principal): Promise<z.infer<typeof onCallSchema>> {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      if (!(await findParty(db, partyId)))
        throw new Refused(refusal('not_found', 'no-party', 'There is no such party.'));
      return { at: iso(now), contacts: await onCallNow(db, partyId, now) };
    });
  }

  @Put('contacts/:id/hours')
  @ApiOperation({ summary: 'Say when a contact is on duty, and when it wants quiet' })
  @HttpCode(204)
  @Permission('portfolio:write')
  @ApiNoContentResponse({ description: 'So from now on' })
  async hours(
    @Param('id', id) contactId: string,
    @Body({ schema: contactHoursSchema }) input: z.output<typeof contactHoursSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.reach.setHours(db, contactId, input, by)));
  }

  @Post('contacts/:id/absences')
  @ApiOperation({ summary: 'Say when a contact is away, and who stands in' })
  @Permission('portfolio:write')
  @ApiCreatedResponse({ standardSchema: madeSchema })
  async absent(
    @Param('id', id) contactId: string,
    @Body({ schema: newAbsenceSchema }) input: z.output<typeof newAbsenceSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof madeSchema>> {
    return answered(await this.transactions.run(by, (db) => this.reach.addAbsence(db, contactId, input, by)));
  }

  @Get('contacts/:id/absences')
  @ApiOperation({ summary: 'List the absences of a contact that are not over' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: absencesSchema })
  absences(@Param('id', id) contactId: string, @By() by: Principal): Promise<z.infer<typeof absencesSchema>> {
    return this.transactions.run(by, async (db) => {
      const contact = await findContact(db, contactId);
      const reach = contact && (await contactReach(db, contact.partyId, contactId, this.clock.now()));
      if (!reach) throw new Refused(NO_CONTACT);
      return {
        absences: reach.absences.map((one) => ({ ...one, from: iso(one.from), until: iso(one.until) })),
      };
    });
  }

  @Delete('absences/:id')
  @ApiOperation({ summary: 'Take back an absence' })
  @HttpCode(204)
  @Permission('portfolio:write')
  @ApiNoContentResponse({ description: 'The contact is there' })
  async back(@Param('id', id) absenceId: string, @By() by: Principal): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.reach.removeAbsence(db, absenceId, by)));
  }

  @Get('contacts/:id/addresses')
  @ApiOperation({
    summary: 'List the other ways to reach a contact',
    description: 'Beside the mail address and the phone number, which are the contact’s own.',
  })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: contactWaysSchema })
  addresses(
    @Param('id', id) contactId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof contactWaysSchema>> {
    return this.transactions.run(by, async (db) => {
      if (!(await findContact(db, contactId))) throw new Refused(NO_CONTACT);
      const ways = await contactWays(db, contactId, this.clock.now());
      return { addresses: ways.map((one) => ({ ...one, addedAt: iso(one.addedAt) })) };
    });
  }

  @Post('contacts/:id/addresses')
  @ApiOperation({
    summary: 'Add another way to reach a contact',
    description: 'Used when part of a window is gone and mail has not carried the notice.',
  })
  @Permission('portfolio:write')
  @ApiCreatedResponse({ standardSchema: madeSchema })
  async address(
    @Param('id', id) contactId: string,
    @Body({ schema: newAddressSchema }) input: z.output<typeof newAddressSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof madeSchema>> {
    const channel = this.channels.find((one) => one.key === input.channel);
    if (!channel?.accepts(input.address))
      throw new Refused(
        refusal('invalid', 'no-such-way', 'A contact cannot be reached by that.', {
          fields: [
            channel
              ? {
                  field: '/address',
                  problem: `is no address of ${channel.title}`,
                  mend: 'Write it as that channel knows it.',
                }
              : {
                  field: '/channel',
                  problem: 'is no channel here',
                  mend: `Use one of: ${this.channels.map((one) => one.key).join(', ')}.`,
                },
          ],
        }),
      );
    await this.#mustBeThere(channel, contactId, input.address, by);
    const shown = channel.shown?.(input.address);
    return answered(
      await this.transactions.run(by, (db) => this.reach.addAddress(db, contactId, { ...input, shown }, by)),
    );
  }

  @Delete('addresses/:id')
  @ApiOperation({ summary: 'End another way to reach a contact' })
  @HttpCode(204)
  @Permission('portfolio:write')
  @ApiNoContentResponse({ description: 'Nothing goes there any more; what went there stays on record' })
  async endAddress(@Param('id', id) addressId: string, @By() by: Principal): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.reach.endAddress(db, addressId, by)));
  }

  /** What nothing could ever be delivered to would be found out only when a duty waits for it. */
  async #mustBeThere(channel: Channel, contactId: string, address: string, by: Principal): Promise<void> {
    if (!channel.isThere) return;
    const contact = await this.transactions.run(by, (db) => findContact(db, contactId));
    if (!contact) throw new Refused(NO_CONTACT);
    if (await channel.isThere(address, contact.partyId)) return;
    throw new Refused(
      refusal('invalid', 'no-such-way', 'A contact cannot be reached by that.', {
        fields: [
          {
            field: '/address',
            problem: 'is nothing of the party of this contact that could carry a notice',
            mend: 'Name an endpoint of that party, or a stream of theirs that is pushed; both are listed among its subscriptions.',
          },
        ],
      }),
    );
  }
}

const NO_CONTACT = refusal('not_found', 'no-contact', 'There is no such contact.');
