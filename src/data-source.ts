import type { DataSourceOptions } from 'typeorm';
import * as listed from '../migrations/index.ts';
import { Person } from './domain/access/person.entity.ts';
import { ObligationRow } from './domain/obligations/obligation.entity.ts';
import { DutyDecision } from './domain/obligations/duty-decision.entity.ts';
import { LegalHold } from './domain/obligations/legal-hold.entity.ts';
import { SupplierAccount } from './domain/obligations/supplier-account.entity.ts';
import { UserAccount } from './domain/access/user-account.entity.ts';
import { UserRole } from './domain/access/user-role.entity.ts';
import { TemporaryPermission } from './domain/access/temporary-permission.entity.ts';
import { Checkout } from './domain/releases/checkout.entity.ts';
import { CheckoutGrant } from './domain/releases/checkout-grant.entity.ts';
import { MachineIdentity } from './domain/releases/machine-identity.entity.ts';
import { Reveal } from './domain/releases/reveal.entity.ts';
import { UsedAssertion } from './domain/releases/used-assertion.entity.ts';
import { Session } from './domain/access/session.entity.ts';
import { LoginThrottle } from './domain/access/login-throttle.entity.ts';
import { ApiToken } from './domain/access/api-token.entity.ts';
import { LinkToken } from './domain/access/link-token.entity.ts';
import { IdempotencyKey } from './domain/access/idempotency-key.entity.ts';
import { OutboxRow } from './platform/outbox/outbox-row.entity.ts';
import { QueueCanary } from './platform/queue/queue-canary.entity.ts';
import {
  LedgerCheckpointRow,
  LedgerDetailRow,
  LedgerEntryRow,
  LedgerHeadRow,
  LedgerLeafRow,
  LedgerNodeRow,
} from './domain/ledger/ledger.entity.ts';
import { Party } from './domain/parties/party.entity.ts';
import { Contact } from './domain/parties/contact.entity.ts';
import { ContactAbsence } from './domain/parties/contact-absence.entity.ts';
import { ContactHours } from './domain/parties/contact-hours.entity.ts';
import { AddressOfRecord } from './domain/parties/address-of-record.entity.ts';
import { Calendar } from './domain/agreements/calendar.entity.ts';
import { Agreement } from './domain/agreements/agreement.entity.ts';
import { AgreementVersion } from './domain/agreements/agreement-version.entity.ts';
import { AgreementDraft } from './domain/agreements/agreement-draft.entity.ts';
import { Term } from './domain/agreements/term.entity.ts';
import { TermRecipient } from './domain/agreements/term-recipient.entity.ts';
import { Integration } from './domain/integrations/integration.entity.ts';
import { IntegrationParty } from './domain/integrations/integration-party.entity.ts';
import { IntegrationDependency } from './domain/integrations/integration-dependency.entity.ts';
import { Credential } from './domain/credentials/credential.entity.ts';
import { CredentialUse } from './domain/credentials/credential-use.entity.ts';
import { CredentialHolder } from './domain/credentials/credential-holder.entity.ts';
import { ScopeConsent } from './domain/credentials/scope-consent.entity.ts';
import { CredentialScope } from './domain/credentials/credential-scope.entity.ts';
import { CredentialVersion } from './domain/credentials/credential-version.entity.ts';
import { Fingerprint } from './domain/credentials/fingerprint.entity.ts';
import { CredentialLocation } from './domain/credentials/location.entity.ts';
import { ReachableSystem } from './domain/credentials/system.entity.ts';
import { CredentialSystem } from './domain/credentials/credential-system.entity.ts';
import { LocationHolding } from './domain/credentials/location-holding.entity.ts';
import { LocationSystem } from './domain/credentials/location-system.entity.ts';
import { UsageEvent } from './domain/usage/usage-event.entity.ts';
import { OfferingTarget } from './domain/responsibility/offering-target.entity.ts';
import { OfferingVersion } from './domain/responsibility/offering-version.entity.ts';
import { Offering } from './domain/responsibility/offering.entity.ts';
import { MatrixVersion } from './domain/responsibility/matrix-version.entity.ts';
import { MatrixRow } from './domain/responsibility/matrix-row.entity.ts';
import { MatrixPerformer } from './domain/responsibility/matrix-performer.entity.ts';
import { Attestation } from './domain/responsibility/attestation.entity.ts';
import { ContactConfirmation } from './domain/responsibility/contact-confirmation.entity.ts';
import { MatrixComment } from './domain/responsibility/matrix-comment.entity.ts';
import { MatrixDraft } from './domain/responsibility/matrix-draft.entity.ts';
import { MatrixDraftRow } from './domain/responsibility/matrix-draft-row.entity.ts';
import { MatrixInvitation } from './domain/responsibility/matrix-invitation.entity.ts';
import { MatrixTerms } from './domain/responsibility/matrix-terms.entity.ts';
import { MatrixText } from './domain/responsibility/matrix-text.entity.ts';
import { SigningCode } from './domain/responsibility/signing-code.entity.ts';
import { SigningKey } from './domain/responsibility/signing-key.entity.ts';
import { Attachment } from './domain/attachments/attachment.entity.ts';
import { ConnectorPreset } from './domain/revocation/connector-preset.entity.ts';
import { Canary } from './domain/revocation/canary.entity.ts';
import { Connection } from './domain/revocation/connection.entity.ts';
import { ConnectionPace } from './domain/revocation/connection-pace.entity.ts';
import { PathAttempt } from './domain/revocation/path-attempt.entity.ts';
import { RevocationPath } from './domain/revocation/revocation-path.entity.ts';
import { Drill } from './domain/revocation/drill.entity.ts';
import { Evidence } from './domain/revocation/evidence.entity.ts';
import { VersionDeath } from './domain/revocation/version-death.entity.ts';
import { Statement } from './domain/revocation/statement.entity.ts';
import { ConnectionAccess } from './domain/revocation/connection-access.entity.ts';
import { LocationStore } from './domain/revocation/location-store.entity.ts';
import { CopyLook } from './domain/revocation/copy-look.entity.ts';
import { LocationProof } from './domain/revocation/location-proof.entity.ts';
import { RiskRequest } from './domain/revocation/risk-request.entity.ts';
import { RiskAcceptance } from './domain/revocation/risk-acceptance.entity.ts';
import { ExposureSource } from './domain/exposures/source.entity.ts';
import { Delivery } from './domain/exposures/delivery.entity.ts';
import { RefusedDelivery } from './domain/exposures/refused-delivery.entity.ts';
import { RefusedDeliveryCount } from './domain/exposures/refused-delivery-count.entity.ts';
import { Exposure } from './domain/exposures/exposure.entity.ts';
import { ExposureBatch } from './domain/exposures/exposure-batch.entity.ts';
import { ExposureDigest } from './domain/exposures/exposure-digest.entity.ts';
import { ExposureFoundAt } from './domain/exposures/exposure-found-at.entity.ts';
import { Incident } from './domain/incidents/incident.entity.ts';
import { IncidentCredential } from './domain/incidents/incident-credential.entity.ts';
import { IncidentPlace } from './domain/incidents/incident-place.entity.ts';
import { DownstreamItem } from './domain/incidents/downstream-item.entity.ts';
import { FailureReport } from './domain/incidents/failure-report.entity.ts';
import { IncidentCase } from './domain/incidents/incident-case.entity.ts';
import { CaseCredential } from './domain/incidents/case-credential.entity.ts';
import { Instant } from './domain/incidents/instant.entity.ts';
import { Notice } from './domain/notices/notice.entity.ts';
import { NoticeTemplate } from './domain/notices/notice-template.entity.ts';
import { WrittenNotice } from './domain/notices/written-notice.entity.ts';
import { NoticeAttempt } from './domain/notices/notice-attempt.entity.ts';
import { Acknowledgement } from './domain/notices/acknowledgement.entity.ts';
import { AcknowledgementCode } from './domain/notices/acknowledgement-code.entity.ts';
import { Escalation } from './domain/notices/escalation.entity.ts';
import { Alert } from './domain/notices/alert.entity.ts';
import { Subscription } from './domain/signals/subscription.entity.ts';
import { SignalKey } from './domain/signals/signal-key.entity.ts';
import { SubscriptionDelivery } from './domain/signals/subscription-delivery.entity.ts';
import { SubscriptionSubject } from './domain/signals/subscription-subject.entity.ts';
import { SubscriptionAttempt } from './domain/signals/subscription-attempt.entity.ts';
import { RunbookDefinition } from './domain/runbooks/runbook-definition.entity.ts';
import { Run } from './domain/runbooks/run.entity.ts';
import { RunNode } from './domain/runbooks/run-node.entity.ts';
import { Step } from './domain/runbooks/step.entity.ts';
import { StepEvent } from './domain/runbooks/step-event.entity.ts';
import { StepApproval } from './domain/runbooks/step-approval.entity.ts';
import { Deadline } from './domain/runbooks/deadline.entity.ts';
import { Lane } from './domain/runbooks/lane.entity.ts';
import { EngineWorker } from './domain/runbooks/engine-worker.entity.ts';
import { ImportJob } from './domain/portfolio/import-job.entity.ts';
import { ImportProblem } from './domain/portfolio/import-problem.entity.ts';
import { PolicyTemplate } from './domain/policy/policy-template.entity.ts';
import { Onboarding } from './domain/policy/onboarding.entity.ts';
import { Offboarding } from './domain/policy/offboarding.entity.ts';
import { ScopeReview } from './domain/policy/scope-review.entity.ts';
import { DomainChallenge } from './domain/parties/domain-challenge.entity.ts';
import { PartyVerification } from './domain/parties/party-verification.entity.ts';
import { GateDecision } from './domain/policy/gate-decision.entity.ts';
import { GateStanding } from './domain/policy/gate-standing.entity.ts';
import { AccessReview } from './domain/policy/access-review.entity.ts';
import { AccessReviewItem } from './domain/policy/access-review-item.entity.ts';
import { AccessReviewOccasion } from './domain/policy/access-review-occasion.entity.ts';
import { AccessReviewPart } from './domain/policy/access-review-part.entity.ts';
import { GateStale } from './domain/policy/gate-stale.entity.ts';
import { PolicyException } from './domain/policy/policy-exception.entity.ts';
import { OutsideSecret } from './platform/vault/outside-secret.entity.ts';
import { UsageFeed } from './domain/usage/usage-feed.entity.ts';
import { UsageGap } from './domain/usage/usage-gap.entity.ts';
import { UsageSeen } from './domain/usage/usage-seen.entity.ts';
import { UsageSlot } from './domain/usage/usage-slot.entity.ts';
import { UsageAlarm } from './domain/usage/usage-alarm.entity.ts';
import { KnownActor } from './domain/usage/known-actor.entity.ts';
import { MassRevocation } from './domain/incidents/mass-revocation.entity.ts';
import { MassRevocationItem } from './domain/incidents/mass-revocation-item.entity.ts';
import { SealedSecret } from './platform/vault/sealed-secret.entity.ts';
import { postgresOptions, type DataSourceNeeds } from './platform/database/data-sources.ts';
import { Rotation } from './domain/rotation/rotation.entity.ts';
import { RotationIssue } from './domain/rotation/rotation-issue.entity.ts';
import { RotationPlace } from './domain/rotation/rotation-place.entity.ts';
import { RotationSetting } from './domain/rotation/rotation-setting.entity.ts';

/** Every entity, by name: nothing depends on paths or file endings. */
export const entities: DataSourceNeeds['entities'] = [
  Person,
  ObligationRow,
  DutyDecision,
  LegalHold,
  SupplierAccount,
  UserAccount,
  UserRole,
  TemporaryPermission,
  Checkout,
  CheckoutGrant,
  MachineIdentity,
  Reveal,
  UsedAssertion,
  Session,
  LoginThrottle,
  ApiToken,
  LinkToken,
  IdempotencyKey,
  OutboxRow,
  QueueCanary,
  LedgerEntryRow,
  LedgerLeafRow,
  LedgerNodeRow,
  LedgerCheckpointRow,
  LedgerHeadRow,
  LedgerDetailRow,
  Party,
  Contact,
  AddressOfRecord,
  ContactAbsence,
  ContactHours,
  Calendar,
  Agreement,
  AgreementVersion,
  AgreementDraft,
  Term,
  TermRecipient,
  Integration,
  IntegrationParty,
  IntegrationDependency,
  Credential,
  CredentialUse,
  CredentialHolder,
  CredentialScope,
  ScopeConsent,
  CredentialVersion,
  Fingerprint,
  CredentialLocation,
  ReachableSystem,
  CredentialSystem,
  LocationHolding,
  LocationSystem,
  UsageEvent,
  UsageFeed,
  UsageGap,
  UsageSeen,
  UsageSlot,
  UsageAlarm,
  KnownActor,
  MassRevocation,
  MassRevocationItem,
  Offering,
  OfferingTarget,
  OfferingVersion,
  MatrixVersion,
  MatrixRow,
  MatrixPerformer,
  Attestation,
  ContactConfirmation,
  MatrixComment,
  MatrixDraft,
  MatrixDraftRow,
  MatrixInvitation,
  MatrixTerms,
  MatrixText,
  SigningCode,
  SigningKey,
  Attachment,
  ConnectorPreset,
  Canary,
  Connection,
  RevocationPath,
  ConnectionPace,
  PathAttempt,
  Drill,
  Evidence,
  VersionDeath,
  Statement,
  CopyLook,
  ConnectionAccess,
  LocationStore,
  LocationProof,
  RiskAcceptance,
  RiskRequest,
  ExposureSource,
  Delivery,
  RefusedDelivery,
  RefusedDeliveryCount,
  Exposure,
  ExposureBatch,
  ExposureDigest,
  ExposureFoundAt,
  Incident,
  IncidentCredential,
  IncidentPlace,
  DownstreamItem,
  FailureReport,
  IncidentCase,
  CaseCredential,
  Instant,
  Notice,
  NoticeTemplate,
  WrittenNotice,
  NoticeAttempt,
  Acknowledgement,
  AcknowledgementCode,
  Escalation,
  Alert,
  Subscription,
  SubscriptionAttempt,
  SubscriptionDelivery,
  SubscriptionSubject,
  SignalKey,
  RunbookDefinition,
  Run,
  RunNode,
  Step,
  StepEvent,
  StepApproval,
  Deadline,
  Lane,
  EngineWorker,
  ImportJob,
  ImportProblem,
  PolicyTemplate,
  Onboarding,
  Offboarding,
  ScopeReview,
  DomainChallenge,
  PartyVerification,
  GateDecision,
  GateStanding,
  AccessReview,
  AccessReviewItem,
  AccessReviewOccasion,
  AccessReviewPart,
  GateStale,
  PolicyException,
  OutsideSecret,
  Rotation,
  RotationIssue,
  RotationPlace,
  RotationSetting,
  SealedSecret,
];

export const migrations: DataSourceNeeds['migrations'] = Object.values(listed);

/** @param url the database, as countersign_app to run and as countersign_owner to migrate */
export function dataSourceOptions(
  url: string,
  needs: Partial<Omit<DataSourceNeeds, 'entities' | 'migrations'>> = {},
): DataSourceOptions {
  return postgresOptions(url, { ...needs, entities, migrations });
}
