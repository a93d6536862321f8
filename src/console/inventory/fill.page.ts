import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import {
  addLocationSchema,
  addVersionSchema,
  newHoldingSchema,
} from '../../domain/credentials/credential.schema.ts';
import { CredentialsService } from '../../domain/credentials/credentials.service.ts';
import { HoldingsService } from '../../domain/credentials/holdings.service.ts';
import { pathsSchema } from '../../domain/revocation/paths.schema.ts';
import { PathsService } from '../../domain/revocation/paths.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { MoveCopyView, NewLocationView, NewVersionView, PathsView } from './fill.view.tsx';
import {
  asNamed,
  formOf,
  given,
  notFound,
  numberOf,
  SAVED,
  statusOf,
  stored,
  textIn,
  type Filled,
} from './new-form.ts';
import { copyToMove, credentialToFill, credentialWays, type CredentialToFill } from './new.queries.ts';

const name = { schema: reference };
const locations = { schema: z.uuid() };

/** What a credential is filled with by hand: its versions, its copies, the ways to revoke it. */
@ConsolePage()
export class FillPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly contents: CredentialsService,
    private readonly holdings: HoldingsService,
    private readonly paths: PathsService,
  ) {}

  @Get('credentials/:reference/versions/new')
  @Permission('portfolio:write', { face: 'console' })
  version(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#fillForm(NewVersionView, credential, by, { form: {}, problems: {} });
  }

  @Post('credentials/:reference/versions/new')
  @Permission('portfolio:write', { face: 'console' })
  async addVersion(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { value: typed, ...form } = formOf(body);
    const value = typeof typed === 'string' ? typed : '';
    const filled = await this.#toFill(credential, by);
    const text = textIn(form);
    const input = {
      ...given(text, 'supplierId', 'issuedAt', 'expiresAt', 'before'),
      ...(value === '' ? {} : /^[0-9a-fA-F]{64}$/.test(value) ? { sha256: value } : { value }),
    };
    const made = await stored(this.transactions, addVersionSchema, input, by, (db, read) =>
      this.contents.addVersion(db, filled.id, read, by),
    );
    if (!made.ok)
      return this.#fillForm(NewVersionView, credential, by, {
        form,
        problems: asNamed(made.error, { sha256: 'value' }),
      });
    return goes(`/credentials/${credential}`, SAVED);
  }

  @Get('credentials/:reference/locations/new')
  @Permission('portfolio:write', { face: 'console' })
  location(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#fillForm(NewLocationView, credential, by, { form: { type: 'vault' }, problems: {} });
  }

  @Post('credentials/:reference/locations/new')
  @Permission('portfolio:write', { face: 'console' })
  async addLocation(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = formOf(body);
    const filled = await this.#toFill(credential, by);
    const text = textIn(form);
    const input = {
      name: text('name'),
      type: text('type'),
      partyId: text('partyId'),
      ...given(text, 'path', 'ownerContactId', 'provable', 'arrivedBy', 'putBy', 'putAt'),
    };
    const made = await stored(this.transactions, addLocationSchema, input, by, (db, read) =>
      this.contents.addLocation(db, filled.id, read, by),
    );
    if (!made.ok)
      return this.#fillForm(NewLocationView, credential, by, { form, problems: asNamed(made.error, {}) });
    return goes(`/credentials/${credential}`, SAVED);
  }

  @Get('credentials/:reference/locations/:location/version')
  @Permission('portfolio:write', { face: 'console' })
  moving(
    @Param('reference', name) credential: string,
    @Param('location', locations) location: string,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#moveForm(credential, location, by);
  }

  @Post('credentials/:reference/locations/:location/version')
  @Permission('portfolio:write', { face: 'console' })
  async move(
    @Param('reference', name) credential: string,
    @Param('location', locations) location: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = formOf(body);
    const copy = await this.transactions.run(by, (db) => copyToMove(db, credential, location));
    if (!copy) throw notFound();
    const input = given(textIn(form), 'versionId', 'arrivedBy', 'putBy', 'putAt');
    const saved = await stored(this.transactions, newHoldingSchema, input, by, (db, read) =>
      this.holdings.record(db, copy.id, { ...read, shownBy: 'record' }, by),
    );
    if (saved.ok) return goes(`/credentials/${credential}`, SAVED);
    return this.#moveForm(credential, location, by, { form, problems: asNamed(saved.error, {}) });
  }

  @Get('credentials/:reference/paths')
  @Permission('portfolio:write', { face: 'console' })
  ways(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#pathsForm(credential, by);
  }

  @Post('credentials/:reference/paths')
  @Permission('portfolio:write', { face: 'console' })
  async setWays(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = formOf(body);
    const minutes = [form['minutes'] ?? []].flat();
    const chosen = [form['way'] ?? []].flat().flatMap((way, at) => (way === '' ? [] : [{ way, at }]));
    const known = await this.transactions.run(by, (db) => credentialWays(db, credential));
    if (!known) throw notFound();
    const input = {
      paths: chosen.map(({ way, at }) => {
        const [kind, id] = way.split(':');
        return {
          [kind === 'connection' ? 'connectionId' : 'contactId']: id,
          expectedMinutes: numberOf((minutes[at] ?? '').trim()),
        };
      }),
    };
    const saved = await stored(this.transactions, pathsSchema, input, by, (db, read) =>
      this.paths.replace(db, known.id, read.paths, by),
    );
    if (saved.ok) return goes(`/credentials/${credential}`, SAVED);
    // "paths/1/expectedMinutes" is a line of the form that may stand lower, below lines that were left empty.
    const problems = Object.fromEntries(
      Object.entries(saved.error).map(([field, said]) => {
        const [, nth, of] = field.split('/');
        const line = chosen[Number(nth)]?.at;
        return [line === undefined ? '' : `${of === 'expectedMinutes' ? 'minutes' : 'way'} ${line}`, said];
      }),
    );
    return this.#pathsForm(credential, by, { form, problems });
  }

  async #toFill(reference: string, by: Principal): Promise<CredentialToFill> {
    const found = await this.transactions.run(by, (db) => credentialToFill(db, reference));
    if (!found) throw notFound();
    return found;
  }

  async #fillForm(
    view: typeof NewVersionView,
    reference: string,
    by: Principal,
    filled: Filled,
  ): Promise<Answer> {
    const credential = await this.#toFill(reference, by);
    return shows((frame) => view({ frame, credential, ...filled }), statusOf(filled));
  }

  async #moveForm(reference: string, location: string, by: Principal, filled?: Filled): Promise<Answer> {
    const copy = await this.transactions.run(by, (db) => copyToMove(db, reference, location));
    if (!copy) throw notFound();
    const shown = filled ?? {
      form: { versionId: copy.versionId ?? '', arrivedBy: copy.arrivedBy },
      problems: {},
    };
    return shows((frame) => MoveCopyView({ frame, copy, ...shown }), statusOf(shown));
  }

  async #pathsForm(reference: string, by: Principal, filled?: Filled): Promise<Answer> {
    const credential = await this.transactions.run(by, (db) => credentialWays(db, reference));
    if (!credential) throw notFound();
    const shown = filled ?? {
      form: {
        way: credential.paths.map(({ way }) => way),
        minutes: credential.paths.map(({ minutes }) => minutes),
      },
      problems: {},
    };
    return shows((frame) => PathsView({ frame, credential, ...shown }), statusOf(shown));
  }
}
