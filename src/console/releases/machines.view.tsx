import type { IntegrationHead } from '../integrations/integration.queries.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty, span } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';
import { Held } from './held.tsx';
import type { GrantLine, HeldLine, MachineLine, machineChoices } from './releases.queries.ts';

export interface MachineForm {
  about: 'machine' | 'grant' | 'page';
  subject?: string;
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}

type Choices = Awaited<ReturnType<typeof machineChoices>>;

const STATES: Readonly<Record<string, { tone: Tone; word: string }>> = {
  proposed: { tone: 'wait', word: 'waits for approval' },
  approved: { tone: 'dead', word: 'approved' },
  refused: { tone: 'calm', word: 'refused' },
  retired: { tone: 'calm', word: 'retired' },
  ended: { tone: 'calm', word: 'ended' },
};
const stateOf = (state: string) => STATES[state] ?? { tone: 'doubt' as const, word: state };

export function MachinesView({
  frame,
  head,
  machines,
  grants,
  held,
  choices,
  hand,
  form,
}: {
  frame: Frame;
  head: IntegrationHead;
  machines: readonly MachineLine[];
  grants: readonly GrantLine[];
  held: readonly HeldLine[];
  choices: Choices;
  /** Whose hand reads: nobody approves what they asked for. */
  hand: string;
  form: MachineForm | undefined;
}) {
  const base = `/integrations/${head.reference}/machines`;
  const open = held.filter(({ state }) => state === 'open').length;
  return (
    <Page
      title={`Machines of ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Portfolio', path: '/portfolio' },
        { title: head.name, path: `/integrations/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Machines</h1>
          <p class="lead">
            A workload trades its own identity for one credential, for a purpose that was declared here and a
            short time. One person registers, another one approves; a machine that is retired has nothing any
            more.
          </p>
        </div>
        <p class="line">
          <Chip tone={open > 0 ? 'live' : 'calm'}>
            {open === 1 ? '1 value is out' : `${open} values are out`}
          </Chip>
        </p>
      </div>
      {form?.about === 'page' && <FormError problems={{ '': Object.values(form.problems).join(' ') }} />}
      <div class="grid">
        <div class="w7 rows">
          {machines.length === 0 && (
            <section class="card">
              <h2>Identities</h2>
              <Empty>No machine is registered.</Empty>
            </section>
          )}
          {machines.map((machine) => (
            <Machine
              frame={frame}
              base={base}
              machine={machine}
              grants={grants.filter(({ identityId }) => identityId === machine.id)}
              choices={choices}
              hand={hand}
              form={form?.about === 'grant' && form.subject === machine.id ? form : undefined}
            />
          ))}
        </div>
        <section class="card w5">
          <h2>Register a machine</h2>
          {frame.may('machines:write') ? (
            <Register
              frame={frame}
              base={base}
              environments={head.environments}
              choices={choices}
              form={form?.about === 'machine' ? form : undefined}
            />
          ) : (
            <Empty>An integration engineer registers machines.</Empty>
          )}
        </section>
        <section class="card w12">
          <h2>
            What they hold <span class="aside">{`${open} now`}</span>
          </h2>
          <Held frame={frame} held={held} base={base} by="integration" />
        </section>
      </div>
    </Page>
  );
}

function Decide({ frame, action, what }: { frame: Frame; action: string; what: string }) {
  return (
    <PostForm frame={frame} action={action} label={`Decide about ${what}`} inline>
      <button type="submit" name="decision" value="approve" class="small">
        Approve
      </button>{' '}
      <button type="submit" name="decision" value="refuse" class="small plain">
        Refuse
      </button>
    </PostForm>
  );
}

function Machine({
  frame,
  base,
  machine,
  grants,
  choices,
  hand,
  form,
}: {
  frame: Frame;
  base: string;
  machine: MachineLine;
  grants: readonly GrantLine[];
  choices: Choices;
  hand: string;
  form: MachineForm | undefined;
}) {
  const { tone, word } = stateOf(machine.state);
  const alive = machine.state === 'proposed' || machine.state === 'approved';
  return (
    <section class="card">
      <h2>
        {machine.name} <span class="aside">{machine.reference}</span>
      </h2>
      <p class="line">
        <Chip tone={tone}>{word}</Chip>
        <Chip tone="calm">{machine.environment}</Chip>
        <span class="soft small">
          {machine.partyName}, last seen <At at={machine.lastUsedAt} empty="never" />
        </span>
      </p>
      <p class="small">
        <span class="soft">{machine.kind === 'key' ? 'proves itself by the key ' : 'vouched for by '}</span>
        <span class="mono">{machine.provenBy}</span>
      </p>
      {machine.state === 'proposed' && frame.may('machines:approve') && machine.registeredBy !== hand && (
        <p>
          <Decide frame={frame} action={`${base}/${machine.id}/decide`} what={machine.name} />
        </p>
      )}
      {grants.length === 0 && <p class="soft small">It may check out nothing.</p>}
      <ul class="plain">
        {grants.map((grant) => (
          <Grant frame={frame} base={base} grant={grant} hand={hand} />
        ))}
      </ul>
      {alive && frame.may('machines:write') && (
        <>
          <details open={form !== undefined}>
            <summary>Declare what it checks out</summary>
            <Declare frame={frame} base={base} machine={machine} choices={choices} hand={hand} form={form} />
          </details>
          <PostForm frame={frame} action={`${base}/${machine.id}/retire`} label={`Retire ${machine.name}`}>
            <button type="submit" class="small plain">
              Retire it
            </button>
          </PostForm>
        </>
      )}
    </section>
  );
}

function Grant({ frame, base, grant, hand }: { frame: Frame; base: string; grant: GrantLine; hand: string }) {
  const over = grant.state === 'approved' && grant.expiresAt <= frame.now;
  const { tone, word } = over ? { tone: 'wait' as const, word: 'ran out' } : stateOf(grant.state);
  const alive = grant.state === 'proposed' || grant.state === 'approved';
  return (
    <li>
      <div class="line">
        <Chip tone={tone}>{word}</Chip>
        <a href={`/credentials/${grant.credentialReference}/value`}>{grant.credentialName}</a>
        <span>{grant.purpose}</span>
      </div>
      <div class="soft small">
        {`${grant.maxSimultaneous} at once, ${span(grant.maxSeconds * 1000)} each at most, until `}
        <At at={grant.expiresAt} day />
        {grant.consentOf && `; ${grant.consentOf} consents`}
      </div>
      {alive && (
        <div class="line">
          {grant.state === 'proposed' && frame.may('machines:approve') && grant.requestedBy !== hand && (
            <Decide frame={frame} action={`${base}/grants/${grant.id}/decide`} what={grant.purpose} />
          )}
          {frame.may('machines:write') && (
            <PostForm
              frame={frame}
              action={`${base}/grants/${grant.id}/end`}
              label={`End ${grant.purpose}`}
              inline
            >
              <button type="submit" class="small plain">
                End it
              </button>
            </PostForm>
          )}
        </div>
      )}
    </li>
  );
}

function Declare({
  frame,
  base,
  machine,
  choices,
  hand,
  form,
}: {
  frame: Frame;
  base: string;
  machine: MachineLine;
  choices: Choices;
  hand: string;
  form: MachineForm | undefined;
}) {
  const common = (field: string) => ({ problem: form?.problems[field], idPrefix: machine.id });
  return (
    <PostForm
      frame={frame}
      action={`${base}/${machine.id}/grants`}
      label={`Declare what ${machine.name} checks out`}
    >
      <FormError problems={form?.problems} />
      <SelectField
        name="credentialId"
        label="Credential"
        none="Choose one"
        options={choices.credentials
          .filter(({ environment }) => environment === machine.environment)
          .map(({ id, name }) => ({ value: id, word: name }))}
        value={form?.typed['credentialId']}
        {...common('credentialId')}
      />
      <Field
        name="purpose"
        label="What for"
        hint="Each checkout names it, word for word."
        required
        maxLength={200}
        value={form?.typed['purpose'] ?? ''}
        {...common('purpose')}
      />
      <div class="trio">
        <Field
          name="maxSimultaneous"
          label="At once"
          type="number"
          value={form?.typed['maxSimultaneous'] ?? '1'}
          {...common('maxSimultaneous')}
        />
        <Field
          name="maxMinutes"
          label="Minutes each"
          type="number"
          value={form?.typed['maxMinutes'] ?? '15'}
          {...common('maxSeconds')}
        />
        <Field
          name="days"
          label="For days"
          type="number"
          value={form?.typed['days'] ?? '90'}
          {...common('days')}
        />
      </div>
      <SelectField
        name="consentPersonId"
        label="Who consents to each checkout"
        none="nobody has to"
        options={choices.people
          .filter(({ id }) => id !== hand)
          .map(({ id, name }) => ({ value: id, word: name }))}
        value={form?.typed['consentPersonId']}
        {...common('consentPersonId')}
      />
      <p class="actions">
        <button type="submit">Declare it</button>
      </p>
    </PostForm>
  );
}

function Register({
  frame,
  base,
  environments,
  choices,
  form,
}: {
  frame: Frame;
  base: string;
  environments: readonly string[];
  choices: Choices;
  form: MachineForm | undefined;
}) {
  const value = (field: string) => ({ value: form?.typed[field] ?? '', problem: form?.problems[field] });
  return (
    <PostForm frame={frame} action={base} label="Register a machine">
      <FormError problems={form?.problems} />
      <Field name="name" label="Name" required maxLength={200} {...value('name')} />
      <SelectField
        name="partyId"
        label="Whose it is"
        none="Choose one"
        options={choices.parties.map(({ id, name }) => ({ value: id, word: name }))}
        {...value('partyId')}
      />
      <SelectField
        name="environment"
        label="Environment"
        options={environments.map((one) => ({ value: one, word: one }))}
        {...value('environment')}
      />
      <Field
        name="publicKey"
        label="Its public key"
        hint="As a JWK, Ed25519 or P-256. The private one never leaves the machine."
        type="area"
        {...value('publicKey')}
      />
      <h3>Or its platform vouches for it</h3>
      <Field
        name="issuer"
        label="Issuer of its tokens"
        hint="https, as the token says it (iss)"
        {...value('issuer')}
      />
      <Field name="subject" label="Subject" hint="As the token says it (sub), whole" {...value('subject')} />
      {form?.problems['oidc'] && <p class="error">{form.problems['oidc']}</p>}
      <p class="actions">
        <button type="submit">Register it</button>
      </p>
    </PostForm>
  );
}
