import type { Verdict } from '../../../domain/revocation/connector.ts';

/** What one verifier did with a certificate that was shown to it. */
export interface Shown {
  /** Code of the error that ended the connection, as OpenSSL or the system names it; null: none did. */
  error: string | null;
  /** Status of the answer to a request over the connection; null: no whole answer. */
  status: number | null;
}

/**
 * Alerts by which a verifier says that it does not trust the certificate (RFC 8446 section 6.2, RFC 5246 section 7.2.2),
 * in OpenSSL's names. `certificate_required` is not among them: it means that none was shown.
 */
const NOT_TRUSTED: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'unknown authority',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'bad certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'certificate revoked',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'certificate expired',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'certificate unknown',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'access denied',
};

/** What that says of the certificate at this verifier, without a control. */
export function judgeShown(shown: Shown, refusedWith: readonly number[]): { verdict: Verdict; why: string } {
  const alert = shown.error === null ? undefined : NOT_TRUSTED[shown.error];
  if (alert !== undefined) return { verdict: 'dead', why: `refused by alert: ${alert}` };
  const { status } = shown;
  if (status === null)
    return { verdict: 'indeterminate', why: `no usable answer (${shown.error ?? 'closed without one'})` };
  if (refusedWith.includes(status)) return { verdict: 'dead', why: `refused with ${status}` };
  if (status >= 200 && status < 400) return { verdict: 'live', why: `accepted, answered ${status}` };
  return { verdict: 'indeterminate', why: `answered ${status}, which does not tell` };
}

/** A verifier's word, with that about the certificate in use, shown to it in the same moment. */
export interface Weighed {
  verifier: string;
  shown: { verdict: Verdict; why: string };
  /** null: not needed, or there is none to show. */
  control: { verdict: Verdict; why: string } | null;
}

/**
 * A certificate dies at each verifier's trust store: one that is accepted anywhere lives, and one is dead only where every
 * verifier refuses it and accepts the certificate in use.
 */
export function weigh(all: readonly Weighed[]): { verdict: Verdict; why: string } {
  const line = ({ verifier, shown, control }: Weighed) =>
    `${verifier}: ${shown.why}${control ? `; the one in use: ${control.why}` : ''}`;
  const why = all.map(line).join('. ');
  if (all.length === 0) return { verdict: 'indeterminate', why: 'no verifier is named' };
  if (all.some(({ shown }) => shown.verdict === 'live')) return { verdict: 'live', why };
  const dead = all.every(({ shown, control }) => shown.verdict === 'dead' && control?.verdict === 'live');
  return { verdict: dead ? 'dead' : 'indeterminate', why };
}
