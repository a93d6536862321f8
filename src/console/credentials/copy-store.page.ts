import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { placedInSchema } from '../../domain/revocation/look.schema.ts';
import { Presets } from '../../domain/revocation/presets.service.ts';
import { storePlaceOf } from '../../domain/revocation/store-places.queries.ts';
import { StorePlaces, type EntryRead } from '../../domain/revocation/store-places.service.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems, type Option } from '../shared/forms.tsx';
import type { Flash } from '../shared/frame.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { OF_COPY, OF_CREDENTIAL, copyFound, type RefusedForm } from './copy-found.ts';
import { CopyStoreView } from './copy-store.view.tsx';

const form = z.object({
  connectionId: z.string().min(1, 'Choose the store.'),
  entry: z.string().trim().min(1, 'Say where in the store it is.'),
  field: z.string().trim().default(''),
});

/** In which entry of which store a copy lies: a machine brings it up to date there, and looks at it there. */
@ConsolePage()
export class CopyStorePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly stores: StorePlaces,
    private readonly presets: Presets,
  ) {}

  @Get('credentials/:reference/locations/:location/store')
  @Permission('connections:read', { face: 'console' })
  show(
    @Param('reference', OF_CREDENTIAL) credential: string,
    @Param('location', OF_COPY) location: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(credential, location, by);
  }

  @Post('credentials/:reference/locations/:location/store')
  @Permission('connections:write', { face: 'console' })
  async set(
    @Param('reference', OF_CREDENTIAL) credential: string,
    @Param('location', OF_COPY) location: Id,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#find(credential, location, by);
    const refused = (problems: FormProblems) =>
      this.#draw(credential, location, by, { typed: typedIn(body), problems });
    const filled = readForm(form, body);
    if (!filled.ok) return refused(filled.error);
    const { field, ...rest } = filled.value;
    const read = readForm(placedInSchema, field === '' ? rest : { ...rest, field });
    if (!read.ok) return refused(read.error);
    const done = await this.transactions.run(by, (db) => this.stores.set(db, location, read.value, by));
    if (!done.ok) return refused(problemsOf(done.error.message, done.error.fields));
    return goes(address(credential, location), {
      tone: 'dead',
      text: 'It is saved. Look whether it is the right one.',
    });
  }

  @Post('credentials/:reference/locations/:location/store/remove')
  @Permission('connections:write', { face: 'console' })
  async remove(
    @Param('reference', OF_CREDENTIAL) credential: string,
    @Param('location', OF_COPY) location: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#find(credential, location, by);
    const done = await this.transactions.run(by, (db) => this.stores.set(db, location, null, by));
    if (!done.ok) throw new Refused(done.error);
    return goes(address(credential, location), {
      tone: 'dead',
      text: 'It is no entry of a store any more. People put new versions there.',
    });
  }

  @Post('credentials/:reference/locations/:location/store/look')
  @Permission('copies:report', { face: 'console' })
  async look(
    @Param('reference', OF_CREDENTIAL) credential: string,
    @Param('location', OF_COPY) location: Id,
    @By() by: Principal,
  ): Promise<Answer> {
    await this.#find(credential, location, by);
    const signal = AbortSignal.timeout(30 * SECOND);
    const read = await this.stores.read(location, { by, idempotencyKey: newId(), signal });
    if (!read)
      throw new Refused(refusal('not_found', 'no-store', 'This copy is no entry of a store that is set.'));
    if (!read.ok) throw new Refused(read.error);
    return goes(address(credential, location), toldBy(read.value));
  }

  async #draw(credential: string, location: Id, by: Principal, refused?: RefusedForm): Promise<Answer> {
    const found = await this.#find(credential, location, by);
    return shows(
      (frame) => CopyStoreView({ frame, ...found, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }

  async #find(credential: string, location: Id, by: Principal) {
    const found = await copyFound(this.transactions, by, { credential, location }, async (db) => ({
      store: await storePlaceOf(db, location),
      obstacle: await this.stores.obstacleTo(db, location),
      stores: await this.#stores(db),
    }));
    return { ...found, looks: found.looks.filter(({ method }) => method === 'store_api') };
  }

  /** Connections through which a machine can write entries of a store. */
  async #stores(db: Db): Promise<Option[]> {
    const connections = await db.query<{ id: Id; name: string; presetKey: string; partyName: string }[]>(
      `SELECT n.id, n.name, n.preset_key AS "presetKey", p.name AS "partyName" FROM connection n JOIN party p ON p.id = n.party_id
        WHERE n.retired_at IS NULL ORDER BY n.name, n.id`,
    );
    const keys = new Set<string>();
    for (const { preset, connector } of await this.presets.all(db)) {
      if (connector.writeEntry) keys.add(preset.key);
    }
    return connections
      .filter(({ presetKey }) => keys.has(presetKey))
      .map(({ id, name, partyName }) => ({ value: id, word: `${name}, ${partyName}` }));
  }
}

function address(credential: string, location: Id): string {
  return `/credentials/${credential}/locations/${location}/store`;
}

/** What was found there, in words; never a value. */
function toldBy(read: EntryRead): Flash {
  if (read.outcome === 'unreadable') return { tone: 'live', text: `It could not be read: ${read.why}.` };
  const unread =
    read.unread === 0
      ? ''
      : ` ${read.unread} more ${read.unread === 1 ? 'is' : 'are'} there that nobody could read.`;
  if (read.kept.length === 0) return { tone: 'wait', text: `The store has nothing there.${unread}` };
  const says = read.kept.map(({ name, current, is, version }) => {
    const what =
      is === 'ours'
        ? `version ${version} of this credential`
        : is === 'other'
          ? 'another value'
          : 'without that field';
    return `${name}${current ? ', which readers get,' : ''} is ${what}`;
  });
  const tone = read.kept.some(({ current, is }) => current && is === 'ours') ? 'dead' : 'wait';
  return { tone, text: `Looked, by fingerprints: ${says.join('; ')}.${unread}` };
}
