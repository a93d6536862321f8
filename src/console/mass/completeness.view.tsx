import type { Completeness } from '../../domain/incidents/mass-revocation.schema.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager } from '../shared/paging.tsx';
import { At, DataTable, Empty, Stat } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { STANDING, Standings } from './progress.tsx';

/** Everything of one supplier: counts that add up, then every line of them. */
export function CompletenessView({
  frame,
  proof,
  since,
  next,
  first,
}: {
  frame: Frame;
  proof: Completeness;
  since: string | undefined;
  next: string | undefined;
  first: boolean;
}) {
  const { supplier, standings, versions } = proof;
  const path = `/completeness/${supplier.reference}`;
  const more = since === undefined ? '' : `?since=${encodeURIComponent(since)}`;
  return (
    <Page
      title={`Everything of ${supplier.name}`}
      frame={frame}
      crumbs={[{ title: 'Mass revocation', path: '/mass-revocations' }]}
    >
      <div class="head">
        <div>
          <p class="ref">{supplier.reference}</p>
          <h1>{`Is everything of ${supplier.name} proven dead?`}</h1>
          <p class="lead">
            {'Every credential that it issued or verifies, counted as of '}
            <At at={Date.parse(proof.asOf)} />.
          </p>
        </div>
        <p class="line">
          <Chip tone={proof.complete ? 'dead' : 'live'}>
            {proof.complete
              ? 'yes, every version'
              : `no: ${versions - standings.proven_dead - standings.no_version} are not`}
          </Chip>
          <Chip tone={proof.addsUp ? 'dead' : 'live'}>
            {proof.addsUp ? 'the counts add up: none is missing' : 'the counts do not add up'}
          </Chip>
          <a class="button plain small" href={`${path}/lines.csv${more}`}>
            As a file
          </a>
        </p>
      </div>
      <div class="counts">
        <Stat value={proof.credentials} word="credentials" />
        <Stat value={versions} word="versions, and credentials without one" />
        <Stat value={standings.proven_dead} word="proven dead" tone="dead" />
        {since !== undefined && <Stat value={proof.addedSince} word="added since" tone="wait" />}
        <div class="grow">
          <Standings standings={standings} label={`Where everything of ${supplier.name} stands`} />
        </div>
      </div>
      {proof.lines.length === 0 ? (
        <Empty>No credential of it is on record.</Empty>
      ) : (
        <DataTable
          caption="Every version"
          columns={[
            { title: 'Credential' },
            { title: 'Integration' },
            { title: 'Version' },
            { title: 'Stands' },
            { title: 'Evidence' },
            { title: 'Incident' },
          ]}
          rows={proof.lines.map((line) => [
            <div>
              <a href={`/credentials/${line.reference}`}>
                <b>{line.name}</b>
              </a>
              <div class="ref">{line.reference}</div>
            </div>,
            `${line.integration}, ${line.environment}`,
            <span class="line tight">
              {line.version === null ? <span class="soft">none</span> : `${line.version}, ${line.phase}`}
              {line.addedSince && <Chip tone="wait">added since</Chip>}
            </span>,
            <Chip tone={STANDING[line.standing].tone}>{STANDING[line.standing].word}</Chip>,
            line.evidenceAt === null ? (
              <span class="soft">none</span>
            ) : (
              <At at={Date.parse(line.evidenceAt)} />
            ),
            line.incidentReference === null ? (
              <span class="soft">–</span>
            ) : (
              <a href={`/incidents/${line.incidentReference}`}>{line.incidentReference}</a>
            ),
          ])}
        />
      )}
      <Pager path={path} query={{ since }} next={next} first={first} />
    </Page>
  );
}
