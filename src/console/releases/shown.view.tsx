import type { Revealed } from '../../domain/releases/reveals.service.ts';
import type { CredentialHead } from '../credentials/credential.queries.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Chip } from '../shared/states.tsx';
import { crumbsOf } from './value.view.tsx';

/** The one page that shows a value: to a form, once. */
export function ShownView({
  frame,
  head,
  back,
  shown,
  text,
}: {
  frame: Frame;
  head: CredentialHead;
  back: string;
  shown: Omit<Revealed, 'value'>;
  text: string;
}) {
  return (
    <Page title={`Value of ${head.name}`} frame={frame} crumbs={crumbsOf(head)}>
      <div class="head">
        <div>
          <p class="ref">{`${head.reference}, ${shown.reference}`}</p>
          <h1>{`Version ${shown.versionNumber}`}</h1>
          <p class="lead">Shown once, for one minute. Loading this page again does not bring it back.</p>
        </div>
        <p class="line">
          {shown.breakGlass && <Chip tone="live">the glass was broken</Chip>}
          <Chip tone="info">{shown.told === 1 ? '1 was told' : `${shown.told} were told`}</Chip>
        </p>
      </div>
      <section class="card">
        <pre class="note" data-hide-after="60" aria-label="The value" tabIndex={0}>
          {text}
        </pre>
        <p>
          <a class="button" href={back}>
            Hide it now
          </a>
        </p>
      </section>
      <script src="/assets/hide.js" />
    </Page>
  );
}
