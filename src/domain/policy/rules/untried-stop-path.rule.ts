import { controls } from '../frameworks.rules.ts';
import { day, lengthWords, subjectOf, type Rule } from './finding.rules.ts';

/** At least one path to kill a credential was tried, worked, and not too long ago. */
export const untriedStopPath: Rule = {
  name: 'untried-stop-path',
  title: 'A revocation path of each credential was tried in a drill',
  severity: 'critical',
  frameworks: controls('NHI1:2025', 'GV.SC-08', 'RS.MI-01', '5.24', 'CC7.5', '28(8)'),
  find(facts, { drillAge }, now) {
    return facts.credentials.flatMap((credential) => {
      const paths = credential.paths.filter((path) => !path.retired);
      if (paths.length === 0) return [];
      const drills = paths.flatMap((path) => path.lastDrill ?? []).filter((drill) => drill.at <= now);
      if (drills.some((drill) => drill.passed && now - drill.at <= drillAge)) return [];
      const passed = drills.filter((drill) => drill.passed).sort((a, b) => b.at - a.at)[0];
      const message = passed
        ? `The last drill that killed ${credential.name} was on ${day(passed.at)}; the policy allows ${lengthWords(drillAge)}.`
        : drills.length > 0
          ? `Every drill of ${credential.name} failed the last time.`
          : `No path to kill ${credential.name} was ever tried.`;
      return [
        {
          subject: subjectOf('credential', credential),
          message,
          mend: `Run a drill on a revocation path of ${credential.name}.`,
        },
      ];
    });
  },
};
