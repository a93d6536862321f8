import type { ComponentChildren } from 'preact';
import type { ShownLook } from '../incidents/answer.queries.ts';
import { Looks } from '../incidents/looks.view.tsx';
import type { CopyToMove } from '../inventory/new.queries.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';

/** A page about one copy: what it is for above, who looked at the copy beside it. */
export function CopyLayout({
  title,
  lead,
  copy,
  looks,
  frame,
  children,
}: {
  title: string;
  lead: string;
  copy: CopyToMove;
  looks: readonly ShownLook[];
  frame: Frame;
  children: ComponentChildren;
}) {
  return (
    <Page
      title={title}
      frame={frame}
      crumbs={[{ title: copy.credential, path: `/credentials/${copy.reference}` }]}
    >
      <div class="head">
        <div>
          <h1>{title}</h1>
          <p class="lead">{lead}</p>
        </div>
      </div>
      <div class="grid">
        {children}
        {looks.length > 0 && (
          <section class="card w5">
            <Looks looks={looks} />
          </section>
        )}
      </div>
    </Page>
  );
}
