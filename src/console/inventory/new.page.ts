import { Body, Get, Param, Post } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { newCredentialSchema } from '../../domain/credentials/credential.schema.ts';
import { NewCredentials } from '../../domain/credentials/new-credentials.service.ts';
import { newIntegrationSchema } from '../../domain/integrations/integration.schema.ts';
import { IntegrationsService } from '../../domain/integrations/integrations.service.ts';
import { newPartySchema } from '../../domain/parties/party.schema.ts';
import { PartiesService } from '../../domain/parties/parties.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import {
  asNamed,
  formOf,
  notFound,
  numberOf,
  orNull,
  SAVED,
  statusOf,
  stored,
  textIn,
  type Filled,
} from './new-form.ts';
import { agreementOptions, contactOptions, credentialHome, partyOptions } from './new.queries.ts';
import { NewCredentialView, NewIntegrationView, NewPartyView } from './new.view.tsx';

const name = { schema: reference };

/** What people add by hand, one by one. */
@ConsolePage()
export class NewPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly parties: PartiesService,
    private readonly integrations: IntegrationsService,
    private readonly credentials: NewCredentials,
  ) {}

  @Get('portfolio/suppliers/new')
  @Permission('portfolio:write', { face: 'console' })
  party(@By() by: Principal): Promise<Answer> {
    return this.#partyForm(by, { form: { zone: 'UTC', contactRole: 'security' }, problems: {} });
  }

  @Post('portfolio/suppliers/new')
  @Permission('portfolio:write', { face: 'console' })
  async addParty(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const form = formOf(body);
    const text = textIn(form);
    const input = {
      name: text('name'),
      operator: text('operator') === 'yes',
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
    const made = await stored(this.transactions, newPartySchema, input, by, (db, read) =>
      this.parties.createParty(db, read, by),
    );
    if (!made.ok) return this.#partyForm(by, { form, problems: asNamed(made.error, CONTACT_FIELDS) });
    return goes('/portfolio/suppliers', {
      tone: 'dead',
      text: input.operator
        ? `${input.name} runs this installation. Add the suppliers next.`
        : `${input.name} is saved.`,
    });
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
    const made = await stored(this.transactions, newIntegrationSchema, input, by, (db, read) =>
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
    const made = await stored(this.transactions, newCredentialSchema, input, by, (db, read) =>
      this.credentials.create(db, read, by),
    );
    if (!made.ok)
      return this.#credentialForm(integration, by, {
        form,
        problems: asNamed(made.error, { holderPartyIds: 'holders' }),
      });
    return goes(`/credentials/${made.value.reference}`, SAVED);
  }

  async #partyForm(by: Principal, filled: Filled): Promise<Answer> {
    const parties = await this.transactions.run(by, (db) => partyOptions(db));
    const first = !parties.some((party) => party.operator);
    return shows((frame) => NewPartyView({ frame, first, ...filled }), statusOf(filled));
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
}

const CONTACT_FIELDS = {
  'contacts/0/name': 'contactName',
  'contacts/0/role': 'contactRole',
  'contacts/0/email': 'contactEmail',
  'contacts/0/phone': 'contactPhone',
};

/** "payments.write: the shop takes payments", a scope a line. */
function scopesIn(text: string): { name: string; justification: string }[] {
  return text.split(/\r?\n/).flatMap((written) => {
    const [scope = '', ...why] = written.split(/:\s+/);
    return scope.trim() === '' ? [] : [{ name: scope.trim(), justification: why.join(': ').trim() }];
  });
}
