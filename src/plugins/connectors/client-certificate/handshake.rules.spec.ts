import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { judgeShown, weigh, type Weighed } from './handshake.rules.ts';

const REFUSED = [401, 403];
const verdict = (error: string | null, status: number | null) =>
  judgeShown({ error, status }, REFUSED).verdict;

describe('a certificate shown to a verifier', () => {
  test('is dead there by an alert that it is not trusted, or by the refusal that is set', () => {
    expect(verdict('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', null)).toBe('dead');
    expect(verdict('ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', null)).toBe('dead');
    expect(verdict(null, 403)).toBe('dead');
  });

  test('lives where a request over it is answered', () => {
    expect(verdict(null, 200)).toBe('live');
    expect(verdict(null, 302)).toBe('live');
  });

  test.each([
    ['ECONNRESET', null],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', null],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', null],
    ['ECONNREFUSED', null],
    [null, null],
    [null, 400],
    [null, 503],
  ])('is neither by %s and %s', (error, status) => {
    expect(verdict(error, status)).toBe('indeterminate');
  });
});

describe('all verifiers together', () => {
  const one = fc.record<Weighed>({
    verifier: fc.constantFrom('a', 'b'),
    shown: fc.record({
      verdict: fc.constantFrom('live' as const, 'dead' as const, 'indeterminate' as const),
      why: fc.constant('so'),
    }),
    control: fc.option(
      fc.record({
        verdict: fc.constantFrom('live' as const, 'dead' as const, 'indeterminate' as const),
        why: fc.constant('so'),
      }),
    ),
  });

  test('accepted anywhere is live; dead takes the refusal and the control of each', () => {
    fc.assert(
      fc.property(fc.array(one), (all) => {
        const told = weigh(all).verdict;
        const anywhere = all.some(({ shown }) => shown.verdict === 'live');
        const everywhere =
          all.length > 0 &&
          all.every(({ shown, control }) => shown.verdict === 'dead' && control?.verdict === 'live');
        expect(told).toBe(anywhere ? 'live' : everywhere ? 'dead' : 'indeterminate');
      }),
    );
  });
});
