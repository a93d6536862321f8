import type { Refusal } from '../../kernel/errors.ts';
import type { Result } from '../../kernel/result.ts';
import type { InclusionProof } from '../../domain/ledger/ledger.service.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { addressOf, type Listed } from '../shared/paging.tsx';
import { At, DataTable, Facts, Stat } from '../shared/parts.tsx';
import { SearchField, SearchForm } from '../shared/search-form.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { EntryDetail, LedgerLine, LedgerStanding } from './ledger.queries.ts';

/** Whether the tree as it stands is what was signed last. */
export type Check = { state: 'none' } | { state: 'good' } | { state: 'bad'; why: string };

export function LedgerView({
  frame,
  asked,
  page,
  standing,
  check,
  vkey,
}: {
  frame: Frame;
  asked: { kind?: string | undefined; subject?: string | undefined; before?: number | undefined };
  page: Listed<LedgerLine>;
  standing: LedgerStanding;
  check: Check;
  vkey: string;
}) {
  const { checkpoint } = standing;
  return (
    <Page title="Ledger" frame={frame}>
      <div class="head">
        <div>
          <h1>Ledger</h1>
          <p class="lead">
            Who did what, when and why. It can be added to, and neither edited nor cut without being seen.
          </p>
        </div>
      </div>
      <div class="grid">
        <section class="card w5">
          <h2>How it stands</h2>
          <p class="line">
            {check.state === 'good' && <Chip tone="dead">signed, and the tree is what was signed</Chip>}
            {check.state === 'none' && <Chip tone="wait">no checkpoint yet</Chip>}
            {check.state === 'bad' && <Chip tone="live">{`not sound: ${check.why}`}</Chip>}
          </p>
          <div class="line counts">
            <Stat value={standing.entries} word="entries" />
            <Stat value={standing.placed} word="in the tree" />
            <Stat value={checkpoint?.size ?? 0} word="signed for" />
          </div>
        </section>
        <section class="card w7">
          <h2>Newest checkpoint</h2>
          {checkpoint ? (
            <>
              <Facts
                facts={[
                  ['signed', <At at={checkpoint.signedAt} />],
                  ['root', <span class="mono">{checkpoint.root}</span>],
                  ['verifier key', <span class="mono">{vkey}</span>],
                ]}
              />
              <details>
                <summary>The signed note, as it goes out with every notice</summary>
                <pre class="mono note">{checkpoint.note}</pre>
              </details>
            </>
          ) : (
            <p class="empty">Entries are signed for within a minute of being written.</p>
          )}
          <p class="soft small">
            Verify without trusting this page: <span class="mono">countersign ledger verify</span>, or the
            exported ledger with the auditor’s tool.
          </p>
        </section>
        <section class="card w12">
          <SearchForm action="/ledger" label="Entries" searched={Boolean(asked.kind || asked.subject)}>
            <SearchField
              name="kind"
              label="Kind"
              value={asked.kind}
              placeholder="incident, notice.met, step.approved…"
            />
            {asked.subject && <input type="hidden" name="subject" value={asked.subject} />}
          </SearchForm>
          {page.rows.length === 0 ? (
            <p class="empty">No entry fits.</p>
          ) : (
            <DataTable
              caption="Entries"
              columns={[
                { title: 'Place', numeric: true },
                { title: 'When' },
                { title: 'What' },
                { title: 'About' },
                { title: 'By' },
                { title: 'Leaf' },
              ]}
              rows={page.rows.map((line) => [
                line.seq ?? <span class="soft">soon</span>,
                <At at={line.at} />,
                <a href={`/ledger/${line.id}`}>{words(line.kind.replace('.', ': '))}</a>,
                <a class="plain-link" href={`/ledger?subject=${line.subjectId}`}>
                  {words(line.subjectKind)} <span class="mono soft">{line.subjectId.slice(-8)}</span>
                </a>,
                line.by,
                <span class="mono soft">{line.leaf.slice(0, 12)}…</span>,
              ])}
            />
          )}
          {page.next !== undefined && (
            <nav class="pager" aria-label="Pages of the list">
              <a
                class="button plain small"
                rel="next"
                href={addressOf('/ledger', { kind: asked.kind, subject: asked.subject, before: page.next })}
              >
                Further
              </a>
            </nav>
          )}
        </section>
      </div>
    </Page>
  );
}

export function EntryView({
  frame,
  entry,
  details,
  proof,
}: {
  frame: Frame;
  entry: LedgerLine & { body: string };
  details: readonly EntryDetail[];
  proof: Result<InclusionProof, Refusal>;
}) {
  return (
    <Page title={words(entry.kind)} frame={frame} crumbs={[{ title: 'Ledger', path: '/ledger' }]}>
      <div class="head">
        <div>
          <p class="ref">{entry.id}</p>
          <h1>{words(entry.kind.replace('.', ': '))}</h1>
          <p class="lead">
            <At at={entry.at} />
          </p>
        </div>
        {proof.ok ? (
          <Chip tone="dead">proven to be in the signed tree</Chip>
        ) : (
          <Chip tone="wait">not signed for yet</Chip>
        )}
      </div>
      <div class="grid">
        <section class="card w7">
          <h2>The entry, byte for byte</h2>
          <pre class="mono note">{entry.body}</pre>
          <Facts
            facts={[
              ['leaf', <span class="mono">{entry.leaf}</span>],
              ['place', entry.seq ?? 'not yet'],
              ...(proof.ok
                ? ([
                    ['checkpoint', `of ${proof.value.checkpoint.size} entries`],
                    ['path', `${proof.value.path.length} hashes`],
                  ] as const)
                : ([['proof', proof.error.message]] as const)),
            ]}
          />
        </section>
        <section class="card w5">
          <h2>What stands beside it</h2>
          {details.length === 0 ? (
            <p class="empty">Nothing: the entry says it all.</p>
          ) : (
            <Facts
              facts={details.map((detail) => [
                words(detail.field),
                detail.text ?? (
                  <span class="soft">
                    erased <At at={detail.erasedAt} /> ({detail.basis})
                  </span>
                ),
              ])}
            />
          )}
          <p class="soft small">
            Names, addresses and free text stand here; the entry holds only a commitment to them.
          </p>
        </section>
      </div>
    </Page>
  );
}
