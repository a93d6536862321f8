import type { Authority } from '../revocation/authority.rules.ts';

/** Minutes that people have where nobody agreed on any. */
export const UNAGREED_MINUTES = 60;

export interface AuthoritySources {
  authority: string | null;
  approve_within_minutes: number | null;
  approve_otherwise: string | null;
  agreement_authority: string | null;
  agreement_minutes: number | null;
  agreement_otherwise: string | null;
}

/**
 * What was agreed about a credential: its own word, else the agreement's. Where there is neither, nothing happens without
 * a person: they are asked, and silence is escalated, never taken for a yes.
 */
export function authorityOf(row: AuthoritySources): Authority {
  const own = row.authority !== null;
  const kind = own ? row.authority : row.agreement_authority;
  switch (kind) {
    case 'revoke_now':
    case 'replace_first':
      return { kind };
    case 'approve_within':
      return {
        kind,
        minutes: (own ? row.approve_within_minutes : row.agreement_minutes) ?? UNAGREED_MINUTES,
        otherwise: (own ? row.approve_otherwise : row.agreement_otherwise) === 'act' ? 'act' : 'escalate',
      };
    default:
      return { kind: 'approve_within', minutes: UNAGREED_MINUTES, otherwise: 'escalate' };
  }
}
