import { controls } from '../frameworks.rules.ts';
import { partyName, STRENGTHS } from '../facts.schema.ts';
import { matrixOf, words, type Rule } from './finding.rules.ts';

/** A signature is as strong as the policy asks: a link and a code to one mailbox are one factor. */
export const weakSignature: Rule = {
  name: 'weak-signature',
  title: 'Signatures are as strong as the policy asks',
  severity: 'high',
  frameworks: controls('NHI4:2025', 'PR.AA-03', '5.20', 'CC6.1'),
  find(facts, limits, now) {
    const { matrix } = facts;
    if (!matrix) return [];
    const least = STRENGTHS.indexOf(limits.signatureStrength);
    const standing = matrix.attestations.filter(
      (one) => one.hash === matrix.hash && one.at <= now && (one.expiresAt === null || one.expiresAt > now),
    );
    return [...new Set(standing.map((one) => one.partyId))].sort().flatMap((partyId) => {
      const best = Math.max(
        ...standing.filter((one) => one.partyId === partyId).map((one) => STRENGTHS.indexOf(one.strength)),
      );
      if (best >= least) return [];
      const name = partyName(facts, partyId);
      return [
        {
          subject: { ...matrixOf(facts), id: `${matrix.id}/${partyId}` },
          message: `${name} signed by ${words(STRENGTHS[best]!)}; the policy asks for ${words(limits.signatureStrength)} or more.`,
          mend: `Ask ${name} to sign again by ${words(limits.signatureStrength)} or something stronger.`,
        },
      ];
    });
  },
  idle: (limits) =>
    limits.signatureStrength === STRENGTHS[0] ? 'any signature is strong enough for it' : undefined,
};
