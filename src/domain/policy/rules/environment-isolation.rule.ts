import { controls } from '../frameworks.rules.ts';
import { integrationOf, subjectOf, type Rule, type RuleFinding } from './finding.rules.ts';

/** What belongs to one environment is in no other: not the value, not the place, not the credential. */
export const environmentIsolation: Rule = {
  name: 'environment-isolation',
  title: 'Environments do not share credentials',
  severity: 'high',
  frameworks: controls('NHI8:2025', 'NHI9:2025', 'PR.AA-05', '5.17', 'CC6.1'),
  find(facts, limits) {
    if (!limits.isolateEnvironments) return [];
    return facts.credentials.flatMap((credential): RuleFinding[] => {
      const { name, environment } = credential;
      const subject = subjectOf('credential', credential);
      const undeclared: RuleFinding[] = facts.integration.environments.includes(environment)
        ? []
        : [
            {
              subject: { ...subject, id: `${credential.id}/environment` },
              message: `${name} is for ${environment}, which is no environment of ${integrationOf(facts).name}.`,
              mend: `Declare ${environment} on the integration, or correct the environment of ${name}.`,
            },
          ];
      const reused = credential.sameValueAs
        .filter((other) => other.environment !== environment)
        .map((other) => ({
          subject: { ...subject, id: `${credential.id}/${other.id}` },
          message: `${name} (${environment}) has the same value as ${other.name} (${other.environment}).`,
          mend: `Rotate one of them, so that ${environment} and ${other.environment} have different secrets.`,
        }));
      const strayed = credential.locations.flatMap((location) =>
        [...new Set(location.environments)]
          .filter((one) => one !== environment)
          .sort()
          .map((one) => ({
            subject: { ...subjectOf('location', location), id: `${location.id}/${one}` },
            message: `${location.name} holds ${name} (${environment}) and serves ${one}.`,
            mend: `Give ${one} a credential of its own, and remove this copy.`,
          })),
      );
      return [...undeclared, ...reused, ...strayed];
    });
  },
  idle: (limits) => (limits.isolateEnvironments ? undefined : 'isolateEnvironments is false'),
};
