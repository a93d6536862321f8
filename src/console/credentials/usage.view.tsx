import type { UseLabel } from '../../domain/usage/usage.rules.ts';
import type { CredentialUsage } from '../../domain/usage/usage.schema.ts';
import { At, DataTable } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';

export const LABELS: Readonly<Record<UseLabel, { tone: Tone; word: string }>> = {
  expected: { tone: 'dead', word: 'expected' },
  other_environment: { tone: 'wait', word: 'other environment' },
  unknown_actor: { tone: 'live', word: 'unknown actor' },
};

/** When it was last used, by version and place, and from where no use was ever reported. */
export function Usage({ usage }: { usage: CredentialUsage }) {
  return (
    <>
      <p class="soft">{usage.note}</p>
      {usage.seen.length > 0 && (
        <DataTable
          caption="Last use"
          columns={[
            { title: 'From where' },
            { title: 'Version', numeric: true },
            { title: 'Last use' },
            { title: 'Last accepted' },
            { title: 'By' },
            { title: 'Label' },
            { title: 'Uses', numeric: true },
          ]}
          rows={usage.seen.map((line) => [
            <>
              {line.location?.name ?? <span class="soft">no location on record</span>}
              {line.environment !== null && <span class="soft">{`, ${line.environment}`}</span>}
            </>,
            line.version,
            <At at={Date.parse(line.lastAt)} />,
            <At at={line.lastAcceptedAt === null ? null : Date.parse(line.lastAcceptedAt)} empty="none" />,
            line.lastActor ?? <span class="soft">not told</span>,
            <span class="line tight">
              {(line.labels.length > 0 ? line.labels : [{ label: line.label, uses: null }]).map(
                ({ label, uses }) => (
                  <Chip tone={LABELS[label].tone}>
                    {line.labels.length > 1 ? `${uses} ${LABELS[label].word}` : LABELS[label].word}
                  </Chip>
                ),
              )}
            </span>,
            line.uses,
          ])}
        />
      )}
      {usage.actors.length > 0 && (
        <p>
          {'Known actors: '}
          {usage.actors.slice(0, 20).join(', ')}
          {usage.actors.length > 20 && `, and ${usage.actors.length - 20} more`}.
        </p>
      )}
      {usage.unseen.length > 0 && (
        <p>
          {'Not seen, which is not never: '}
          {usage.unseen
            .slice(0, 20)
            .map(({ name }) => name)
            .join(', ')}
          {usage.unseen.length > 20 && `, and ${usage.unseen.length - 20} more`}.
        </p>
      )}
    </>
  );
}
