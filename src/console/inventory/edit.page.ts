import { Body, Get, Param, Post } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { editCredentialSchema } from '../../domain/credentials/credential.schema.ts';
import { CredentialsService } from '../../domain/credentials/credentials.service.ts';
import { editIntegrationSchema } from '../../domain/integrations/integration.schema.ts';
import { IntegrationsService } from '../../domain/integrations/integrations.service.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import {
  editableCredential,
  editableIntegration,
  ownerOptions,
  type EditableCredential,
  type EditableIntegration,
} from './edits.queries.ts';
import { agreementOptions } from './new.queries.ts';
import { EditCredentialView, EditIntegrationView } from './edit.view.tsx';

const name = { schema: reference };
type Form = Readonly<Record<string, unknown>>;

/** What people keep current of credentials and integrations. */
@ConsolePage()
export class EditPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly credentials: CredentialsService,
    private readonly integrations: IntegrationsService,
  ) {}

  @Get('credentials/:reference/edit')
  @Permission('portfolio:write', { face: 'console' })
  credential(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#credential(credential, by);
  }

  @Post('credentials/:reference/edit')
  @Permission('portfolio:write', { face: 'console' })
  async saveCredential(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = textsOf(body);
    const read = readForm(editCredentialSchema, {
      name: form['name'],
      purpose: form['purpose'],
      ownerContactId: orNull(form['ownerContactId']),
      store: form['store'],
      rotateEveryDays: numberOf(form['rotateEveryDays']),
      lastUsedAt: orNull(form['lastUsedAt']),
      risk: numberOf(form['risk']),
    });
    if (!read.ok) return this.#credential(credential, by, { form, problems: read.error, status: 422 });
    return this.#save(
      form,
      by,
      (db) => editableCredential(db, credential),
      (db, id, rowVersion) => this.credentials.edit(db, id, read.value, rowVersion, by),
      (refused) => this.#credential(credential, by, refused),
      `/credentials/${credential}`,
    );
  }

  @Get('integrations/:reference/edit')
  @Permission('portfolio:write', { face: 'console' })
  integration(@Param('reference', name) integration: string, @By() by: Principal): Promise<Answer> {
    return this.#integration(integration, by);
  }

  @Post('integrations/:reference/edit')
  @Permission('portfolio:write', { face: 'console' })
  async saveIntegration(
    @Param('reference', name) integration: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = textsOf(body);
    const read = readForm(editIntegrationSchema, {
      name: form['name'],
      purpose: form['purpose'],
      ownerContactId: orNull(form['ownerContactId']),
      agreementId: orNull(form['agreementId']),
      dataClass: form['dataClass'],
      riskTier: numberOf(form['riskTier']),
      maxConnections: numberOf(form['maxConnections']),
    });
    if (!read.ok) return this.#integration(integration, by, { form, problems: read.error, status: 422 });
    return this.#save(
      form,
      by,
      (db) => editableIntegration(db, integration),
      (db, id, rowVersion) => this.integrations.edit(db, id, read.value, rowVersion, by),
      (refused) => this.#integration(integration, by, refused),
      `/integrations/${integration}`,
    );
  }

  async #save(
    form: Readonly<Record<string, string>>,
    by: Principal,
    find: (db: Db) => Promise<EditableCredential | EditableIntegration | undefined>,
    edit: (db: Db, id: Id, rowVersion: number) => Promise<Result<unknown, Refusal>>,
    refuse: (refused: { form: Form; problems: FormProblems; status: number }) => Promise<Answer>,
    to: string,
  ): Promise<Answer> {
    const { edited, stored } = await this.transactions.run(by, async (db) => {
      const stored = await find(db);
      if (!stored) throw notFound();
      return { stored, edited: await edit(db, stored.id, Number(form['rowVersion'] ?? 0)) };
    });
    if (edited.ok) return goes(to, { tone: 'dead', text: 'It is saved.' });
    const stale = edited.error.kind === 'precondition';
    return refuse({
      form,
      problems: stale
        ? { '': `${edited.error.message} ${changedSince(stored, form)}` }
        : problemsOf(edited.error.message, edited.error.fields ?? []),
      status: stale ? 412 : 422,
    });
  }

  async #credential(
    credential: string,
    by: Principal,
    refused?: { form: Form; problems: FormProblems; status: number },
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const stored = await editableCredential(db, credential);
      if (!stored) throw notFound();
      return { stored, owners: await ownerOptions(db, stored.integrationId) };
    });
    return shows(
      (frame) =>
        EditCredentialView({
          frame,
          ...model,
          form: textsOf(refused?.form ?? model.stored),
          problems: refused?.problems ?? {},
        }),
      refused?.status ?? 200,
    );
  }

  async #integration(
    integration: string,
    by: Principal,
    refused?: { form: Form; problems: FormProblems; status: number },
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const stored = await editableIntegration(db, integration);
      if (!stored) throw notFound();
      return {
        stored,
        owners: await ownerOptions(db, stored.integrationId),
        agreements: await agreementOptions(db, stored.integrationId),
      };
    });
    return shows(
      (frame) =>
        EditIntegrationView({
          frame,
          ...model,
          form: textsOf(refused?.form ?? model.stored),
          problems: refused?.problems ?? {},
        }),
      refused?.status ?? 200,
    );
  }
}

/** The fields of a form, or of a row as a form would show it. */
function textsOf(body: unknown): Record<string, string> {
  const fields = typeof body === 'object' && body !== null ? body : {};
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [
      field,
      typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '',
    ]),
  );
}

const orNull = (text: string | undefined) => (text === undefined || text === '' ? null : text);
const numberOf = (text: string | undefined) => (text && /^-?\d+$/.test(text) ? Number(text) : orNull(text));

/** What somebody else changed while a form was filled in. */
function changedSince(stored: object, form: Readonly<Record<string, string>>): string {
  const now = textsOf(stored);
  const changed = Object.keys(form).filter(
    (field) =>
      !['rowVersion', '_csrf'].includes(field) && now[field] !== undefined && now[field] !== form[field],
  );
  return changed.map((field) => `${field} is now "${now[field]?.slice(0, 80)}".`).join(' ');
}

function notFound(): Refused {
  return new Refused(refusal('not_found', 'not-found', 'There is no such thing, or it is not yours to see.'));
}
