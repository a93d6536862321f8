/** One credential whose versions hold a value that is found more than once. */
export interface ReuseMember {
  credentialId: string;
  environment: string;
  integrationId: string;
}

export type ReuseKind = 'across_environments' | 'across_integrations' | 'within_integration';

/**
 * What is wrong with one value in several credentials. Across environments it blocks: whoever reads the test store holds
 * production. Elsewhere one revocation stops more than it says (OWASP NHI9:2025, NHI8:2025).
 */
export function reuseKind(members: readonly ReuseMember[]): ReuseKind {
  const several = (key: 'environment' | 'integrationId') =>
    new Set(members.map((member) => member[key])).size > 1;
  if (several('environment')) return 'across_environments';
  return several('integrationId') ? 'across_integrations' : 'within_integration';
}

export function isBlocking(kind: ReuseKind): boolean {
  return kind === 'across_environments';
}
