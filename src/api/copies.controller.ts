import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
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
import { convergenceOf } from '../domain/credentials/convergence.rules.ts';
import {
  convergenceSchema,
  holdingSchema,
  newHoldingSchema,
} from '../domain/credentials/credential.schema.ts';
import { versionsOf } from '../domain/credentials/credentials.queries.ts';
import { holdingsOf, placesOf, targetOf } from '../domain/credentials/holdings.queries.ts';
import { HoldingsService } from '../domain/credentials/holdings.service.ts';
import {
  entryReadSchema,
  lookSchema,
  placedInSchema,
  scanReportSchema,
  seenFingerprintSchema,
  seenSchema,
  storeLookSchema,
  storePlaceSchema,
  storeSeenSchema,
} from '../domain/revocation/look.schema.ts';
import { LooksService } from '../domain/revocation/looks.service.ts';
import { storePlaceOf } from '../domain/revocation/store-places.queries.ts';
import { StorePlaces } from '../domain/revocation/store-places.service.ts';
import { newId } from '../kernel/ids.ts';
import { SECOND } from '../kernel/time.ts';
import { rowsOf } from '../platform/database/rows.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const convergenceQuery = z.strictObject({
  version: z.coerce
    .number()
    .int()
    .positive()
    .optional()
    .describe('Its number. Left out: the one that copies are to hold now'),
});
const holdingsSchema = z.object({ holdings: z.array(holdingSchema) }).meta({ id: 'Holdings' });
const movedSchema = z
  .object({ moved: z.boolean().describe('false: it was said to hold that version already') })
  .meta({ id: 'HoldingRecorded' });

/** Copies of credentials: which version each holds, and what looks at them showed. */
@ApiTags('portfolio')
@Controller('api/v1')
export class CopiesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly holdings: HoldingsService,
    private readonly looks: LooksService,
    private readonly stores: StorePlaces,
  ) {}

  @Get('credentials/:id/convergence')
  @ApiOperation({ summary: 'See which copies of a credential still hold another version' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: convergenceSchema })
  convergence(
    @Param('id', { schema: id }) credentialId: string,
    @Query({ schema: convergenceQuery }) { version }: z.output<typeof convergenceQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof convergenceSchema>> {
    return this.transactions.run(by, async (db) => {
      const versions = await versionsOf(db, credentialId);
      if (versions.length === 0 || (version !== undefined && !versions.some((one) => one.number === version)))
        throw new Refused(refusal('not_found', 'no-version', 'There is no such version of a credential.'));
      const places = (await placesOf(db, [credentialId])).get(credentialId) ?? [];
      const told = convergenceOf(places, version ?? (await targetOf(db, credentialId)));
      return {
        ...told,
        places: told.places.map(({ at, ...place }) => ({
          ...place,
          kind: place.kind as z.infer<typeof convergenceSchema>['places'][number]['kind'],
          left: [...place.left],
          at: at === null ? null : iso(at),
        })),
      };
    });
  }

  @Get('locations/:id/holdings')
  @ApiOperation({ summary: 'List what a copy has held, newest first' })
  @Permission('portfolio:read')
  @ApiOkResponse({ standardSchema: holdingsSchema })
  history(
    @Param('id', { schema: id }) locationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof holdingsSchema>> {
    return this.transactions.run(by, async (db) => {
      const [place] = await rowsOf<{ credential_id: string }>(
        db,
        `SELECT credential_id FROM location WHERE id = $1`,
        [locationId],
      );
      if (!place) throw new Refused(refusal('not_found', 'no-location', 'There is no such location.'));
      const held = await holdingsOf(db, { credentialId: place.credential_id, locationId });
      return {
        holdings: held.map((one) => ({
          version: one.version,
          versionId: one.versionId,
          arrivedBy: one.arrivedBy as z.infer<typeof holdingSchema>['arrivedBy'],
          putBy: one.putBy,
          putAt: one.putAt === null ? null : iso(one.putAt),
          shownBy: one.shownBy,
          recordedAt: iso(one.recordedAt),
        })),
      };
    });
  }

  @Post('locations/:id/holdings')
  @ApiOperation({
    summary: 'Record that a copy holds another version from now on',
    description:
      'What it held before stays in its history, and counts as there until it is shown to be gone.',
  })
  @Permission('portfolio:write')
  @ApiCreatedResponse({ standardSchema: movedSchema })
  async hold(
    @Param('id', { schema: id }) locationId: string,
    @Body({ schema: newHoldingSchema }) input: z.output<typeof newHoldingSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof movedSchema>> {
    return answered(
      await this.transactions.run(by, (db) =>
        this.holdings.record(db, locationId, { ...input, shownBy: 'record' }, by),
      ),
    );
  }

  /** Takes no Idempotency-Key, because a key would keep a hash of a body that may hold values. */
  @Post('locations/:id/scans')
  @ApiOperation({
    summary: "Upload a scanner's report about a copy",
    description:
      'It is judged for one version, by its fingerprints. Silence shows that a copy is gone only where the scanner came to the place and is known to recognise the value.',
  })
  @HttpCode(200)
  @Permission('copies:report')
  @ApiOkResponse({ standardSchema: lookSchema })
  async scan(
    @Param('id', { schema: id }) locationId: string,
    @Body({ schema: scanReportSchema }) input: z.output<typeof scanReportSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof lookSchema>> {
    return answered(await this.looks.scanned(by, locationId, input));
  }

  @Post('locations/:id/fingerprints')
  @ApiOperation({
    summary: 'Report by its SHA-256 which value a copy uses now',
    description: 'Where this is how the place is proven, it shows that every other version is gone from it.',
  })
  @HttpCode(200)
  @Permission('copies:report')
  @ApiOkResponse({ standardSchema: seenSchema })
  async fingerprint(
    @Param('id', { schema: id }) locationId: string,
    @Body({ schema: seenFingerprintSchema }) input: z.output<typeof seenFingerprintSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof seenSchema>> {
    return answered(await this.looks.fingerprintSeen(by, locationId, input));
  }

  @Get('locations/:id/store')
  @ApiOperation({
    summary: 'Read which entry of which store a copy is, and whether a machine can write there',
  })
  @Permission('connections:read')
  @ApiOkResponse({ standardSchema: storePlaceSchema })
  placedIn(
    @Param('id', { schema: id }) locationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof storePlaceSchema>> {
    return this.transactions.run(by, async (db) => {
      const place = await storePlaceOf(db, locationId);
      if (!place) throw noStore();
      const obstacle = place.retired
        ? 'its connection is out of use'
        : ((await this.stores.obstacleTo(db, locationId)) ?? '');
      return {
        connection: {
          id: place.connectionId,
          name: place.connection,
          preset: place.presetKey,
          retired: place.retired,
        },
        entry: place.entry,
        field: place.field,
        setAt: iso(place.setAt),
        writable: obstacle === '',
        obstacle: obstacle === '' ? null : obstacle,
      };
    });
  }

  @Put('locations/:id/store')
  @ApiOperation({
    summary: 'Say which entry of which store a copy is',
    description: 'A rotation then writes the new version there by machine, and looks at it there.',
  })
  @HttpCode(204)
  @Permission('connections:write')
  @ApiNoContentResponse()
  async placeIn(
    @Param('id', { schema: id }) locationId: string,
    @Body({ schema: placedInSchema }) placed: z.output<typeof placedInSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.stores.set(db, locationId, placed, by)));
  }

  @Delete('locations/:id/store')
  @ApiOperation({ summary: 'Say that a copy is no entry of a store any more' })
  @HttpCode(204)
  @Permission('connections:write')
  @ApiNoContentResponse()
  async takeOut(@Param('id', { schema: id }) locationId: string, @By() by: Principal): Promise<void> {
    answered(await this.transactions.run(by, (db) => this.stores.set(db, locationId, null, by)));
  }

  @Post('locations/:id/store-looks')
  @ApiOperation({
    summary: 'Ask the store of a copy whether it holds a version',
    description: 'Every version that the store keeps of the entry is read and compared; no value is kept.',
  })
  @HttpCode(200)
  @Permission('copies:report')
  @ApiOkResponse({ standardSchema: storeSeenSchema })
  async lookAtStore(
    @Param('id', { schema: id }) locationId: string,
    @Body({ schema: storeLookSchema }) { versionId }: z.output<typeof storeLookSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof storeSeenSchema>> {
    const signal = AbortSignal.timeout(60 * SECOND);
    const told = await this.stores.look(locationId, versionId, { by, idempotencyKey: newId(), signal });
    if (!told) throw noStore();
    return answered(told);
  }

  @Post('locations/:id/store-readings')
  @ApiOperation({
    summary: 'Read what the store of a copy keeps, and say which of our versions that is',
    description:
      'By fingerprints. What it shows of the versions that the copy held is put on record; no value is.',
  })
  @HttpCode(200)
  @Permission('copies:report')
  @ApiOkResponse({ standardSchema: entryReadSchema })
  async readStore(
    @Param('id', { schema: id }) locationId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof entryReadSchema>> {
    const signal = AbortSignal.timeout(60 * SECOND);
    const told = await this.stores.read(locationId, { by, idempotencyKey: newId(), signal });
    if (!told) throw noStore();
    const read = answered(told);
    return read.outcome === 'read'
      ? { ...read, why: null }
      : { outcome: 'unreadable', why: read.why, kept: [], unread: 0 };
  }
}

function noStore(): Refused {
  return new Refused(refusal('not_found', 'no-store', 'This copy is no entry of a store that is set.'));
}
