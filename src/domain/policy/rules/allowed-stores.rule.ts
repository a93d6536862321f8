import { LOCATION_KINDS } from '../../credentials/credential.schema.ts';
import { controls } from '../frameworks.rules.ts';
import { subjectOf, words, type Rule } from './finding.rules.ts';

/** Copies lie only in kinds of places that the policy takes. */
export const allowedStores: Rule = {
  name: 'allowed-stores',
  title: 'Copies lie in allowed places',
  severity: 'high',
  frameworks: controls('NHI2:2025', 'NHI6:2025', 'PR.AA-01', '5.17', 'CC6.1'),
  find(facts, limits) {
    return facts.credentials.flatMap((credential) =>
      credential.locations
        .filter((location) => !limits.allowedStores.includes(location.kind))
        .map((location) => ({
          subject: subjectOf('location', location),
          message: `A copy of ${credential.name} lies in ${location.name}, a ${words(location.kind)}, which the policy does not allow.`,
          mend: `Move it to one of: ${limits.allowedStores.map(words).join(', ') || 'nothing is allowed'}; then rotate ${credential.name}.`,
        })),
    );
  },
  idle: (limits) =>
    LOCATION_KINDS.every((kind) => limits.allowedStores.includes(kind))
      ? 'every kind of place is allowed'
      : undefined,
};
