import { Body, Get, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { newCredentialSchema } from '../../domain/credentials/credential.schema.ts';
import { NewCredentials } from '../../domain/credentials/new-credentials.service.ts';
import { newIntegrationSchema } from '../../domain/integrations/integration.schema.ts';
import { IntegrationsService } from '../../domain/integrations/integrations.service.ts';
import { newPartySchema } from '../../domain/parties/party.schema.ts';
import { PartiesService } from '../../domain/parties/parties.service.ts';
import { pathsSchema } from '../../domain/revocation/paths.schema.ts';
import { PathsService } from '../../domain/revocation/paths.service.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import {
  agreementOptions,
  contactOptions,
  credentialHome,
  credentialWays,
  partyOptions,
} from './new.queries.ts';
import { NewCredentialView, NewIntegrationView, NewPartyView, PathsView } from './new.view.tsx';

const name = { schema: reference };
type Form = Readonly<Record<string, string | readonly string[]>>;
interface Filled {
  form: Form;
  problems: FormProblems;
}

/** What people add by hand, one by one. */
@ConsolePage()
export class NewPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly parties: PartiesService,
    private readonly integrations: IntegrationsService,
    private readonly credentials: NewCredentials,
    private readonly paths: PathsService,
  ) {}

  @Get('portfolio/suppliers/new')
  @Permission('portfolio:write', { face: 'console' })
  async party(): Promise<Answer> {
    return partyForm({ form: { zone: 'UTC', contactRole: 'security' }, problems: {} });
  }

  @Post('portfolio/suppliers/new')
  @Permission('portfolio:write', { face: 'console' })
  async addParty(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const form = formOf(body);
    const text = textIn(form);
    const input = {
      name: text('name'),
      region: orNull(text('region')),
      sector: orNull(text('sector')),
      zone: text('zone'),
      contacts: [
        {
          name: text('contactName'),
          role: text('contactRole'),
          email: orNull(text('contactEmail')),
          phone: orNull(text('contactPhone')),
        },
      ],
    };
    const made = await this.#add(newPartySchema, input, by, (db, read) =>
      this.parties.createParty(db, read, by),
    );
    if (!made.ok) return partyForm({ form, problems: asNamed(made.error, CONTACT_FIELDS) });
    return goes(`/portfolio/suppliers?q=${encodeURIComponent(made.value.reference)}`, SAVED);
  }

  @Get('portfolio/new')
  @Permission('portfolio:write', { face: 'console' })
  integration(@By() by: Principal): Promise<Answer> {
    const form = { riskTier: '2', dataClass: 'internal', environments: 'production' };
    return this.#integrationForm(by, { form, problems: {} });
  }

  @Post('portfolio/new')
  @Permission('portfolio:write', { face: 'console' })
  async addIntegration(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const form = formOf(body);
    const text = textIn(form);
    const input = {
      name: text('name'),
      purpose: text('purpose'),
      dataClass: text('dataClass'),
      riskTier: numberOf(text('riskTier')),
      ownerContactId: orNull(text('ownerContactId')),
      agreementId: orNull(text('agreementId')),
      environments: text('environments')
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
      parties: (['supplier', 'customer'] as const).flatMap((role) =>
        text(role) === '' ? [] : [{ partyId: text(role), role }],
      ),
    };
    const made = await this.#add(newIntegrationSchema, input, by, (db, read) =>
      this.integrations.create(db, read, by),
    );
    if (!made.ok)
      return this.#integrationForm(by, { form, problems: asNamed(made.error, { parties: 'supplier' }) });
    return goes(`/integrations/${made.value.reference}`, SAVED);
  }

  @Get('integrations/:reference/credentials/new')
  @Permission('portfolio:write', { face: 'console' })
  credential(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    return this.#credentialForm(integration, by, {
      form: { risk: '500', revocability: 'manual' },
      problems: {},
    });
  }

  @Post('integrations/:reference/credentials/new')
  @Permission('portfolio:write', { face: 'console' })
  async addCredential(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = formOf(body);
    const text = textIn(form);
    const home = await this.transactions.run(by, (db) => credentialHome(db, integration));
    if (!home) throw notFound();
    const input = {
      integrationId: home.id,
      ...Object.fromEntries(
        [
          'name',
          'type',
          'environment',
          'purpose',
          'direction',
          'issuerPartyId',
          'verifierPartyId',
          'revocability',
          'store',
        ].map((field) => [field, text(field)]),
      ),
      holderPartyIds: [form['holders'] ?? []].flat(),
      risk: numberOf(text('risk')),
      rotateEveryDays: numberOf(text('rotateEveryDays')),
      scopes: scopesIn(text('scopes')),
    };
    const made = await this.#add(newCredentialSchema, input, by, (db, read) =>
      this.credentials.create(db, read, by),
    );
    if (!made.ok)
      return this.#credentialForm(integration, by, {
        form,
        problems: asNamed(made.error, { holderPartyIds: 'holders' }),
      });
    return goes(`/credentials/${made.value.reference}`, SAVED);
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
    const stored = await this.transactions.run(by, (db) => credentialWays(db, credential));
    if (!stored) throw notFound();
    const input = {
      paths: chosen.map(({ way, at }) => {
        const [kind, id] = way.split(':');
        return {
          [kind === 'connection' ? 'connectionId' : 'contactId']: id,
          expectedMinutes: numberOf((minutes[at] ?? '').trim()),
        };
      }),
    };
    const saved = await this.#add(pathsSchema, input, by, (db, read) =>
      this.paths.replace(db, stored.id, read.paths, by),
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

  /** Reads what a form says and stores it; or says what was wrong, by the field of the schema. */
  async #add<S extends z.ZodType, T>(
    schema: S,
    input: unknown,
    by: Principal,
    store: (db: Db, read: z.output<S>) => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, FormProblems>> {
    const read = schema.safeParse(input);
    if (!read.success) {
      const problems: Record<string, string> = {};
      for (const { path, message } of read.error.issues) problems[path.join('/')] ??= message;
      return err(problems);
    }
    const stored = await this.transactions.run(by, (db) => store(db, read.data));
    return stored.ok ? stored : err(problemsOf(stored.error.message, stored.error.fields ?? []));
  }

  async #integrationForm(by: Principal, filled: Filled): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => ({
      parties: await partyOptions(db),
      contacts: await contactOptions(db),
      agreements: await agreementOptions(db, null),
    }));
    const operator = model.parties.find((party) => party.operator)?.value ?? '';
    const form = { customer: operator, ...filled.form };
    return shows((frame) => NewIntegrationView({ frame, ...model, ...filled, form }), statusOf(filled));
  }

  async #credentialForm(integration: string, by: Principal, filled: Filled): Promise<Answer> {
    const home = await this.transactions.run(by, (db) => credentialHome(db, integration));
    if (!home) throw notFound();
    return shows((frame) => NewCredentialView({ frame, home, ...filled }), statusOf(filled));
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

const SAVED = { tone: 'dead', text: 'It is saved.' } as const;
const CONTACT_FIELDS = {
  'contacts/0/name': 'contactName',
  'contacts/0/role': 'contactRole',
  'contacts/0/email': 'contactEmail',
  'contacts/0/phone': 'contactPhone',
};

function partyForm(filled: Filled): Answer {
  return shows((frame) => NewPartyView({ frame, ...filled }), statusOf(filled));
}

function statusOf({ problems }: Filled): number {
  return Object.keys(problems).length > 0 ? 422 : 200;
}

/** Problems by the field of the form: what stands in a list is said where the list is. */
function asNamed(problems: FormProblems, names: Readonly<Record<string, string>>): FormProblems {
  const named: Record<string, string> = {};
  for (const [field, said] of Object.entries(problems)) {
    const list = field.split('/')[0] ?? '';
    named[names[field] ?? names[list] ?? list] ??= said;
  }
  return named;
}

function formOf(body: unknown): Form {
  const form: Record<string, string | string[]> = {};
  for (const [field, value] of Object.entries(body ?? {}) as [string, unknown][]) {
    if (typeof value === 'string') form[field] = value;
    else if (Array.isArray(value))
      form[field] = value.filter((one): one is string => typeof one === 'string');
  }
  return form;
}

const textIn = (form: Form) => (field: string) => {
  const value = form[field];
  return typeof value === 'string' ? value.trim() : '';
};
const orNull = (text: string) => (text === '' ? null : text);
/** What is no number stays text, so that the schema says what it must be. */
const numberOf = (text: string) => (/^-?\d+$/.test(text) ? Number(text) : orNull(text));

/** "payments.write: the shop takes payments", a scope a line. */
function scopesIn(text: string): { name: string; justification: string }[] {
  return text.split(/\r?\n/).flatMap((written) => {
    const [scope = '', ...why] = written.split(/:\s+/);
    return scope.trim() === '' ? [] : [{ name: scope.trim(), justification: why.join(': ').trim() }];
  });
}

function notFound(): Refused {
  return new Refused(refusal('not_found', 'not-found', 'There is no such thing, or it is not yours to see.'));
}
