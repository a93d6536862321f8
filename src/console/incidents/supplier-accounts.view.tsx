import type { SupplierAccountView } from '../../domain/obligations/obligation.schema.ts';
import type { Id } from '../../kernel/ids.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At, DataTable, Empty, span } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';

export interface RefusedForm {
  /** Which form of the page. */
  form: string;
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}

const JUDGEMENTS: Readonly<Record<SupplierAccountView['judgement'], { tone: Tone; word: string }>> = {
  in_time: { tone: 'dead', word: 'in time' },
  late: { tone: 'live', word: 'late' },
  no_number: { tone: 'doubt', word: 'no number' },
  nothing_agreed: { tone: 'calm', word: 'nothing agreed' },
};

/** When suppliers knew, when they told us, and what that was by the agreement. */
export function AccountTable({ accounts }: { accounts: readonly SupplierAccountView[] }) {
  if (accounts.length === 0)
    return <Empty>Nobody has recorded when a supplier knew and when it told us.</Empty>;
  return (
    <DataTable
      caption="When suppliers told us"
      columns={[
        { title: 'Supplier' },
        { title: 'It knew' },
        { title: 'It told us' },
        { title: 'Agreed' },
        { title: 'So' },
      ]}
      rows={accounts.map((one) => [
        <div>
          {one.partyName}
          <div class="soft small">
            <a href={`/incidents/${one.incidentReference}/obligations`}>{one.incidentReference}</a>,{' '}
            {one.caseReference}
          </div>
        </div>,
        <div>
          <At at={Date.parse(one.knewAt)} />
          <div class="soft small">{one.knewBasis}</div>
        </div>,
        <div>
          <At at={Date.parse(one.toldAt)} />
          <div class="soft small">{one.toldBasis}</div>
        </div>,
        <div>
          {one.dueAt === null ? <span class="soft">no date</span> : <At at={Date.parse(one.dueAt)} />}
          <div class="soft small">{one.dueWhy}</div>
        </div>,
        <div>
          <Chip tone={JUDGEMENTS[one.judgement].tone}>
            {one.lateBy === null ? JUDGEMENTS[one.judgement].word : `late by ${span(one.lateBy * 1000)}`}
          </Chip>
          {!one.counts && <div class="soft small">disputed: another account is earlier</div>}
        </div>,
      ])}
    />
  );
}

export function AccountForm({
  frame,
  action,
  suppliers,
  refused,
}: {
  frame: Frame;
  action: string;
  suppliers: readonly { caseId: Id; partyId: Id; name: string }[];
  refused: RefusedForm | undefined;
}) {
  const { problems, typed = {} } = refused ?? {};
  const field = (name: string) => ({
    name,
    idPrefix: 'account-',
    value: typed[name] ?? '',
    problem: problems?.[name],
    required: true,
  });
  return (
    <PostForm frame={frame} action={action} label="Record when a supplier knew and told">
      <FormError problems={problems} />
      <SelectField
        name="of"
        idPrefix="account-"
        label="Supplier"
        value={typed['of']}
        problem={problems?.['of']}
        options={suppliers.map((one) => ({ value: `${one.caseId}:${one.partyId}`, word: one.name }))}
      />
      <Field {...field('knewAt')} type="datetime-local" label="When it says that it knew" />
      <Field {...field('knewBasis')} label="What that rests on" />
      <Field {...field('toldAt')} type="datetime-local" label="When it told us" />
      <Field {...field('toldBasis')} label="What that rests on" />
      <Field
        {...field('zone')}
        value={typed['zone'] ?? 'UTC'}
        label="Time zone of both"
        hint="Like Europe/Berlin or UTC."
      />
      <p class="actions">
        <button type="submit">Record it</button>
      </p>
    </PostForm>
  );
}
