import { At, Empty } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import type { IntegrationParty, MatrixRow, ShownMatrix } from './integration.queries.ts';

/** Every integration must answer for each of these; in the order of a credential's life. */
const DUTIES = [
  ['admission', 'the decision to trust the integration'],
  ['issuance', 'makes the credentials'],
  ['storage', 'keeps them'],
  ['distribution', 'brings them where they are used'],
  ['scope_approval', 'agrees to what they may do'],
  ['rotation', 'replaces them in time'],
  ['monitoring', 'watches their use'],
  ['revocation', 'kills them'],
  ['notification', 'tells who must be told'],
  ['containment', 'stops the abuse'],
  ['downstream_impact', 'finds and treats what the credentials reached'],
  ['recovery', 'restores the service'],
] as const;

/** Duties against parties. A duty that nobody answers for, or that nobody performs, is red. */
export function Matrix({
  matrix,
  parties,
}: {
  matrix: ShownMatrix | undefined;
  parties: readonly IntegrationParty[];
}) {
  if (!matrix) return <Empty>No matrix yet: nobody has agreed who answers for what.</Empty>;
  const accountable = new Set(matrix.rows.map((row) => row.accountablePartyId));
  const gaps = DUTIES.filter(
    ([duty]) => !matrix.rows.some((row) => row.duty === duty && !row.credentialName),
  );
  return (
    <>
      <p class="line">
        <StateChip state={matrix.state} />
        <span class="soft small">
          version {matrix.number}
          {matrix.validFrom !== null && matrix.fellAt === null && (
            <>
              , in force since <At at={matrix.validFrom} day />
            </>
          )}
          , content <span class="mono">{matrix.hash.slice(0, 16)}…</span>
        </span>
        {matrix.fellAt !== null && <Chip tone="live">signatures fell: changed after signing</Chip>}
        {gaps.length > 0 && <Chip tone="live">{gaps.length === 1 ? '1 gap' : `${gaps.length} gaps`}</Chip>}
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Responsibility matrix">
        <table class="matrix">
          <caption class="skip">Which party is accountable for each duty, and which perform it</caption>
          <thead>
            <tr>
              <th scope="col">Duty</th>
              {parties.map((party) => (
                <th scope="col" class="mid">
                  {party.name}
                  <div class="soft">{party.roles.map(words).join(', ')}</div>
                </th>
              ))}
              <th scope="col">Contact</th>
            </tr>
          </thead>
          <tbody>
            {DUTIES.map(([duty, meaning]) => {
              const rows = matrix.rows.filter((row) => row.duty === duty);
              const word = duty.replaceAll('_', ' ');
              if (!rows.some((row) => !row.credentialName)) {
                return (
                  <>
                    <tr class="gap">
                      <th scope="row" title={meaning}>
                        {word}
                      </th>
                      <td colSpan={parties.length + 1}>
                        <Chip tone="live">nobody answers for this</Chip>
                      </td>
                    </tr>
                    {rows.map((row) => (
                      <DutyRow row={row} word={word} meaning={meaning} parties={parties} />
                    ))}
                  </>
                );
              }
              return rows.map((row) => <DutyRow row={row} word={word} meaning={meaning} parties={parties} />);
            })}
          </tbody>
        </table>
      </div>
      <p class="legend">
        <span>
          <span class="pip a">A</span> accountable
        </span>
        <span>
          <span class="pip p">P</span> performs
        </span>
        <span>
          Signed by{' '}
          {matrix.attested.length === 0
            ? 'nobody here yet'
            : matrix.attested
                .map((one) => parties.find((party) => party.id === one.partyId)?.name ?? 'a party')
                .join(', ')}
          {[...accountable].some((id) => !matrix.attested.some((one) => one.partyId === id)) &&
            matrix.state !== 'countersigned' &&
            '; missing: ' +
              parties
                .filter(
                  (party) =>
                    accountable.has(party.id) && !matrix.attested.some((one) => one.partyId === party.id),
                )
                .map((party) => party.name)
                .join(', ')}
        </span>
      </p>
    </>
  );
}

function DutyRow({
  row,
  word,
  meaning,
  parties,
}: {
  row: MatrixRow;
  word: string;
  meaning: string;
  parties: readonly IntegrationParty[];
}) {
  const unperformed = row.performerIds.length === 0;
  return (
    <tr class={unperformed ? 'gap' : undefined}>
      <th scope="row" title={meaning}>
        {word}
        {row.part && <div class="soft small">part: {row.part}</div>}
        {row.credentialName && <div class="soft small">only for {row.credentialName}</div>}
      </th>
      {parties.map((party) => {
        const answers = row.accountablePartyId === party.id;
        const performs = row.performerIds.includes(party.id);
        return (
          <td class="mid">
            {answers && (
              <span class="pip a" title="accountable">
                A<span class="skip"> accountable</span>
              </span>
            )}
            {performs && (
              <span class="pip p" title="performs">
                P<span class="skip"> performs</span>
              </span>
            )}
          </td>
        );
      })}
      <td>
        {unperformed && <Chip tone="live">nobody performs it</Chip>}
        {row.contactName ? (
          <>
            {row.contactName}
            {row.contactRole && <span class="soft small"> · {words(row.contactRole)}</span>}
          </>
        ) : (
          <Chip tone="wait">no contact</Chip>
        )}
        {row.note && <div class="soft small">{row.note}</div>}
      </td>
    </tr>
  );
}
