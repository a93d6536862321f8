import { accessReviewOverdue } from './access-review-overdue.rule.ts';
import { allowedStores } from './allowed-stores.rule.ts';
import { contactFreshness } from './contact-freshness.rule.ts';
import { controlPastEnd } from './control-past-end.rule.ts';
import { credentialWithoutOwner } from './credential-without-owner.rule.ts';
import { discouragedKind } from './discouraged-kind.rule.ts';
import { dutyWithTwoAccountable } from './duty-with-two-accountable.rule.ts';
import { dutyWithoutAccountable } from './duty-without-accountable.rule.ts';
import { environmentIsolation } from './environment-isolation.rule.ts';
import { forbiddenSharing } from './forbidden-sharing.rule.ts';
import { hardCodedLocation } from './hard-coded-location.rule.ts';
import { longestLifetime } from './longest-lifetime.rule.ts';
import { matrixNotCountersigned } from './matrix-not-countersigned.rule.ts';
import { noActiveVersion } from './no-active-version.rule.ts';
import { noAgreement } from './no-agreement.rule.ts';
import { noCredential } from './no-credential.rule.ts';
import { noOwner } from './no-owner.rule.ts';
import { noStopPath } from './no-stop-path.rule.ts';
import { notificationMissing } from './notification-missing.rule.ts';
import { notificationWindow } from './notification-window.rule.ts';
import { reviewDue } from './review-due.rule.ts';
import { revocability } from './revocability.rule.ts';
import { revocationDutyWithoutPath } from './revocation-duty-without-path.rule.ts';
import { revokersDisagree } from './revokers-disagree.rule.ts';
import { rotationInterval } from './rotation-interval.rule.ts';
import { partnerUnverified } from './partner-unverified.rule.ts';
import type { Rule } from './finding.rules.ts';
import { runbookNotifiesUnnamed } from './runbook-notifies-unnamed.rule.ts';
import { scopeJustification } from './scope-justification.rule.ts';
import { sensitiveScopeConsent } from './sensitive-scope-consent.rule.ts';
import { shadowIntegration } from './shadow-integration.rule.ts';
import { staticCredential } from './static-credential.rule.ts';
import { stopPathEachSide } from './stop-path-each-side.rule.ts';
import { storedWhereMatrixDenies } from './stored-where-matrix-denies.rule.ts';
import { tooManyConnections } from './too-many-connections.rule.ts';
import { tooManyScopes } from './too-many-scopes.rule.ts';
import { unprovableLocation } from './unprovable-location.rule.ts';
import { unreachableContact } from './unreachable-contact.rule.ts';
import { unstatedPurpose } from './unstated-purpose.rule.ts';
import { untriedStopPath } from './untried-stop-path.rule.ts';
import { weakSignature } from './weak-signature.rule.ts';
import { windowNoRunbookMeets } from './window-no-runbook-meets.rule.ts';

/** Every rule of the gate. One line a rule. */
export const RULES: readonly Rule[] = [
  // Who answers, and whether both sides said so
  noOwner,
  matrixNotCountersigned,
  weakSignature,
  dutyWithoutAccountable,
  dutyWithTwoAccountable,
  partnerUnverified,
  shadowIntegration,
  unstatedPurpose,
  // Who can still stop it
  noStopPath,
  untriedStopPath,
  stopPathEachSide,
  revocability,
  // The credentials themselves
  noCredential,
  credentialWithoutOwner,
  noActiveVersion,
  longestLifetime,
  rotationInterval,
  allowedStores,
  unprovableLocation,
  hardCodedLocation,
  forbiddenSharing,
  environmentIsolation,
  scopeJustification,
  tooManyScopes,
  sensitiveScopeConsent,
  tooManyConnections,
  discouragedKind,
  staticCredential,
  // What was agreed, and who is called
  noAgreement,
  notificationMissing,
  notificationWindow,
  reviewDue,
  accessReviewOverdue,
  unreachableContact,
  contactFreshness,
  // Agreement, inventory and runbook say the same
  revokersDisagree,
  windowNoRunbookMeets,
  revocationDutyWithoutPath,
  runbookNotifiesUnnamed,
  storedWhereMatrixDenies,
  // What stood in for something that is missing
  controlPastEnd,
];

const TITLES: ReadonlyMap<string, string> = new Map(RULES.map(({ name, title }) => [name, title]));

/** What a rule is called by people; one that an operator wrote has the words of its name. */
export function ruleTitle(name: string): string {
  return TITLES.get(name) ?? name.replaceAll('-', ' ');
}
