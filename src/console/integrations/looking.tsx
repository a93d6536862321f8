import type { ReEvaluation } from '../../domain/policy/re-evaluation.service.ts';
import { ShareBar } from '../shared/parts.tsx';

/** How far the gate is with looking again; nothing while nothing waits. */
export function Looking({ again }: { again: ReEvaluation }) {
  if (again.waiting === 0) return null;
  return (
    <div role="status">
      <p class="small">
        The gate is looking again: {again.waiting} of {again.total} integrations wait. What stands here may be
        older than what changed. <a href="/gate">How far is it now?</a>
      </p>
      <ShareBar
        label="Integrations that the gate looks at again"
        parts={[
          { tone: 'dead', count: Math.max(0, again.total - again.waiting), word: 'looked at' },
          { tone: 'wait', count: again.waiting, word: 'waiting' },
        ]}
      />
    </div>
  );
}
