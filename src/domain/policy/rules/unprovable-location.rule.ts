import { controls } from '../frameworks.rules.ts';
import { subjectOf, words, type Rule } from './finding.rules.ts';

/** Of each copy it can be shown that it is gone; one that cannot keeps every later incident open. */
export const unprovableLocation: Rule = {
  name: 'unprovable-location',
  title: 'Of each copy it can be shown that it is gone',
  severity: 'high',
  frameworks: controls('NHI2:2025', 'RS.MI-02', '5.17', 'CC6.1'),
  find(facts) {
    return facts.credentials.flatMap((credential) =>
      credential.locations
        .filter(({ provable }) => provable === 'no')
        .map((location) => ({
          subject: subjectOf('location', location),
          message: `Active location cannot be proved: nobody can show that the copy of ${credential.name} in ${location.name} (${words(location.kind)}) is gone.`,
          mend: `Move the copy to a place that can be checked, or agree on a scan or a statement of its owner.`,
        })),
    );
  },
};
