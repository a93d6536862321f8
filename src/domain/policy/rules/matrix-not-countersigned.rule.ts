import { controls } from '../frameworks.rules.ts';
import { partyName } from '../facts.schema.ts';
import { day, integrationOf, matrixOf, type Rule } from './finding.rules.ts';

/** The matrix holds when every party that is accountable in it has signed this content, and still stands by it. */
export const matrixNotCountersigned: Rule = {
  name: 'matrix-not-countersigned',
  title: 'Every accountable party has countersigned the matrix',
  severity: 'critical',
  frameworks: controls('NHI3:2025', 'GV.SC-02', 'GV.SC-05', '5.20', 'CC9.2', '30(1)'),
  find(facts, _limits, now) {
    const { matrix } = facts;
    if (!matrix && facts.endedMatrix) {
      const { number, how, at } = facts.endedMatrix;
      const when = at === null ? '' : ` on ${day(at)}`;
      return [
        {
          subject: integrationOf(facts),
          message:
            how === 'fell'
              ? `The signatures under version ${number} of the matrix fell${when}: it was changed after it was signed.`
              : `Version ${number} of the matrix was withdrawn.`,
          mend: 'Propose the matrix as it is to be, and have each accountable party countersign it.',
        },
      ];
    }
    if (!matrix) {
      return [
        {
          subject: integrationOf(facts),
          message: 'There is no responsibility matrix.',
          mend: 'Propose a matrix with every duty, and have each accountable party countersign it.',
        },
      ];
    }
    const accountable = [...new Set(matrix.rows.map((row) => row.accountablePartyId))].sort();
    const ended = matrix.validUntil !== null && matrix.validUntil <= now;
    return accountable.flatMap((partyId) => {
      const own = matrix.attestations.filter((one) => one.partyId === partyId);
      const same = own.filter((one) => one.hash === matrix.hash);
      if (!ended && same.some((one) => one.at <= now && (one.expiresAt === null || one.expiresAt > now)))
        return [];
      const name = partyName(facts, partyId);
      const message = ended
        ? `The matrix ended; ${name} has to sign a new version.`
        : same.length > 0
          ? `The signature of ${name} under this matrix has expired.`
          : own.length > 0
            ? `${name} signed another content than this matrix has now.`
            : `${name} is accountable in this matrix and has not signed it.`;
      return [
        {
          subject: { ...matrixOf(facts), id: `${matrix.id}/${partyId}` },
          message,
          mend: `Ask ${name} to countersign version ${matrix.number} of the matrix.`,
        },
      ];
    });
  },
};
