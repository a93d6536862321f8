import type { FindingView } from '../../domain/policy/gate.schema.ts';

/** What a finding may lie on, by what pages call it. */
export interface MendPlaces {
  integration: string;
  /** References of its credentials, by id. */
  credentials: ReadonlyMap<string, string>;
  agreement: string | null;
}

type Where = (places: MendPlaces, finding: FindingView) => string | undefined;

const integration =
  (rest: string): Where =>
  ({ integration: reference }) =>
    `/integrations/${reference}${rest}`;

// The id of a credential's finding may go on after it: "<id>/payments.write".
const credential =
  (rest: string): Where =>
  ({ credentials }, { subject }) => {
    const reference = credentials.get(subject.id.split('/')[0] ?? '');
    return reference === undefined ? undefined : `/credentials/${reference}${rest}`;
  };

const agreement: Where = ({ agreement: reference }) =>
  reference === null ? undefined : `/agreements/${reference}`;

const edited: Where = (places, finding) =>
  (finding.subject.kind === 'credential' ? credential('/edit') : integration('/edit'))(places, finding);

const matrix = integration('/matrix');
const partners = integration('/onboarding#partners');

/** Where the piece that a rule misses is put, and the word for it. A rule that stands not here is mended outside. */
export const MENDS: Readonly<Record<string, readonly [word: string, where: Where]>> = {
  'no-owner': ['Name an owner', edited],
  'unstated-purpose': ['Say what it is for', edited],
  'credential-without-owner': ['Name an owner', edited],
  'shadow-integration': ['Declare it', edited],
  'no-agreement': [
    'Choose or mend the agreement',
    (places, finding) => (finding.subject.kind === 'agreement' ? agreement : edited)(places, finding),
  ],
  'review-due': ['Open the agreement', agreement],
  'notification-missing': ['Open the agreement', agreement],
  'notification-window': ['Open the agreement', agreement],
  'window-no-runbook-meets': ['Open the agreement', agreement],
  'runbook-notifies-unnamed': ['Open the agreement', agreement],
  'no-credential': ['Add a credential', integration('/credentials/new')],
  'no-active-version': ['Record a version', credential('/versions/new')],
  'longest-lifetime': ['Record a version', credential('/versions/new')],
  'rotation-interval': ['Record a version', credential('/versions/new')],
  'static-credential': ['Open the credential', credential('')],
  'discouraged-kind': ['Open the credential', credential('')],
  revocability: ['Open the credential', credential('')],
  'forbidden-sharing': ['Open the credential', credential('')],
  'environment-isolation': ['Open the credential', credential('')],
  'no-stop-path': ['Set the ways to revoke it', credential('/paths')],
  'revocation-duty-without-path': ['Set the ways to revoke it', credential('/paths')],
  'stop-path-each-side': ['Set the ways to revoke it', credential('/paths')],
  'untried-stop-path': ['Open its drills', credential('/drills')],
  'allowed-stores': ['Open the copies', integration('#locations')],
  'hard-coded-location': ['Open the copies', integration('#locations')],
  'unprovable-location': ['Open the copies', integration('#locations')],
  'stored-where-matrix-denies': ['Open the matrix', matrix],
  'matrix-not-countersigned': ['Open the matrix', matrix],
  'weak-signature': ['Open the matrix', matrix],
  'duty-without-accountable': ['Open the matrix', matrix],
  'duty-with-two-accountable': ['Open the matrix', matrix],
  'revokers-disagree': ['Open the matrix', matrix],
  'contact-freshness': ['Ask them', partners],
  'unreachable-contact': ['See the contacts', partners],
  'partner-unverified': ['Verify them', partners],
  'scope-justification': ['Review the scopes', integration('/onboarding#scopes')],
  'too-many-scopes': ['Review the scopes', integration('/onboarding#scopes')],
  'sensitive-scope-consent': ['Consent to the scope', credential('/scopes')],
  'too-many-connections': ['Say how many it needs', integration('/edit')],
  'control-past-end': ['Open the gate', integration('/gate')],
  'access-review-overdue': [
    'Open the review',
    (_places, { subject }) => `/access-reviews/${encodeURIComponent(subject.name)}`,
  ],
};

/** The page on which a finding is mended; undefined where none of ours is. */
export function mendOf(places: MendPlaces, finding: FindingView): { word: string; path: string } | undefined {
  const known = MENDS[finding.rule];
  const path = known?.[1](places, finding);
  return known && path !== undefined ? { word: known[0], path } : undefined;
}
