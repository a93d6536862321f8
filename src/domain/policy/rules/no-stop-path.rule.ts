import { controls } from '../frameworks.rules.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** Somebody can still stop the abuse of each credential. Nobody is the worst answer there is. */
export const noStopPath: Rule = {
  name: 'no-stop-path',
  title: 'Somebody can stop the abuse of each credential',
  severity: 'critical',
  frameworks: controls('NHI1:2025', 'NHI2:2025', 'RS.MI-01', '5.26', 'CC7.4', '28(8)'),
  find(facts) {
    return facts.credentials
      .filter(
        ({ paths, revocability }) =>
          revocability !== 'impossible' &&
          revocability !== 'expiry_only' &&
          !paths.some((path) => !path.retired),
      )
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `Nobody can stop ${credential.name}: it has no revocation path in use.`,
        mend: `Agree on a connection or a contact that revokes ${credential.name}, and try it in a drill.`,
      }));
  },
};
