import { controls } from '../frameworks.rules.ts';
import { subjectOf, words, type Rule } from './finding.rules.ts';

const LONG_LIVED: ReadonlySet<string> = new Set(['legacy_middleware', 'long_running_job']);
/** Put there for good. What is injected or brokered comes anew with each start or use. */
const HARD_CODED: ReadonlySet<string> = new Set(['stored', 'cached', 'forwarded']);
/** Ways that look at what is in use, and so show when the old value is no longer. */
const SEES_USE: ReadonlySet<string> = new Set(['fingerprint', 'store_api']);

/**
 * Legacy middleware and long-running jobs with a hard-coded secret go on using it until somebody changes and restarts them:
 * a word or a scan of files does not show what they hold.
 */
export const hardCodedLocation: Rule = {
  name: 'hard-coded-location',
  title: 'No middleware or job keeps a hard-coded copy of which nobody sees what is in use',
  severity: 'warning',
  frameworks: controls('NHI2:2025', 'NHI7:2025', 'RS.MI-01', '5.17', 'CC6.1'),
  find(facts) {
    return facts.credentials.flatMap((credential) =>
      credential.locations
        .filter(
          ({ kind, arrivedBy, provable }) =>
            LONG_LIVED.has(kind) && HARD_CODED.has(arrivedBy) && !SEES_USE.has(provable),
        )
        .map((location) => ({
          subject: subjectOf('location', location),
          message: `Active location cannot be proved: the ${words(location.kind)} ${location.name} keeps a hard-coded copy of ${credential.name}.`,
          mend: `Have it fetch the credential at each start or use, or report the fingerprint of what it uses.`,
        })),
    );
  },
};
