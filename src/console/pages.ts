import { AgreementPage } from './agreements/agreement.page.ts';
import { AgreementsPage } from './agreements/agreements.page.ts';
import { AgreementDraftPage } from './agreements/draft.page.ts';
import { ConnectorsPage } from './connectors/connectors.page.ts';
import { ActorsPage } from './credentials/actors.page.ts';
import { CopyStorePage } from './credentials/copy-store.page.ts';
import { CredentialPage } from './credentials/credential.page.ts';
import { ScanPage } from './credentials/scan.page.ts';
import { LedgerPage } from './evidence/ledger.page.ts';
import { HomePage } from './home/home.page.ts';
import { AnswerPage } from './incidents/answer.page.ts';
import { DecidePage } from './incidents/decide.page.ts';
import { DownstreamPage } from './incidents/downstream.page.ts';
import { FailuresPage } from './incidents/failures.page.ts';
import { ExposureWindowPage } from './incidents/exposure-window.page.ts';
import { IncidentPage } from './incidents/incident.page.ts';
import { InstantPage } from './incidents/instant.page.ts';
import { ObligationPage } from './incidents/obligation.page.ts';
import { ObligationsPage } from './incidents/obligations.page.ts';
import { UpdatesPage } from './incidents/updates.page.ts';
import { ReportPage } from './incidents/report.page.ts';
import { TriagePage } from './incidents/triage.page.ts';
import { GatePage } from './integrations/gate.page.ts';
import { IntegrationPage } from './integrations/integration.page.ts';
import { MatrixPage } from './matrices/matrix.page.ts';
import { AssignPage } from './matrices/assign.page.ts';
import { MatrixBulkPage } from './matrices/matrix-bulk.page.ts';
import { MatrixFilesPage } from './matrices/matrix-files.page.ts';
import { PortfolioMatrixPage } from './matrices/portfolio-matrix.page.ts';
import { SigningKeysPage } from './matrices/signing-keys.page.ts';
import { MatrixVersionPage } from './matrices/version.page.ts';
import { DrillsPage } from './drills/drills.page.ts';
import { EditPage } from './inventory/edit.page.ts';
import { FillPage } from './inventory/fill.page.ts';
import { InventoryPage } from './inventory/inventory.page.ts';
import { ScopesPage } from './inventory/scopes.page.ts';
import { NewPage } from './inventory/new.page.ts';
import { CompletenessFilePage, CompletenessPage } from './mass/completeness.page.ts';
import { MassPage } from './mass/mass.page.ts';
import { AlertsPage } from './notices/alerts.page.ts';
import { CallPage } from './notices/call.page.ts';
import { NoticesPage } from './notices/notices.page.ts';
import { TemplatesPage } from './notices/templates.page.ts';
import { WrittenPage } from './notices/written.page.ts';
import { NoticeLinkPage } from './outside/notice-link.page.ts';
import { SigningLinkPage } from './outside/signing-link.page.ts';
import { OfferingDraftPage } from './offerings/draft.page.ts';
import { OfferingPage } from './offerings/offering.page.ts';
import { OfferingsPage } from './offerings/offerings.page.ts';
import { PartyPage } from './parties/party.page.ts';
import { ReachPage } from './parties/reach.page.ts';
import { PartySignalsPage } from './parties/signals.page.ts';
import { PortfolioPage } from './portfolio/portfolio.page.ts';
import { MachinesPage } from './releases/machines.page.ts';
import { ReleasesPage } from './releases/releases.page.ts';
import { ValuePage } from './releases/value.page.ts';
import { ReviewFile, ReviewPage } from './reviews/review.page.ts';
import { ReviewsPage } from './reviews/reviews.page.ts';
import { ProfilePage } from './settings/profile.page.ts';
import { RotationPage } from './rotation/rotation.page.ts';
import { RotationSettingPage } from './rotation/rotation-setting.page.ts';
import { RotationsPage } from './rotation/rotations.page.ts';
import { SimulationPage } from './rotation/simulation.page.ts';
import { StepPage } from './runbooks/step.page.ts';
import { WorkPage } from './runbooks/work.page.ts';
import { SettingsPage } from './settings/settings.page.ts';
import { SourcePage } from './settings/source.page.ts';
import { SourceSettingsPage } from './settings/source-settings.page.ts';
import { AssetsPage } from './shared/assets.page.ts';
import type { Area } from './shared/page.ts';
import { SignInPage } from './sign-in/sign-in.page.ts';
import { StoppersPage } from './stoppers/stoppers.page.ts';
import { OffboardingPage } from './ways/offboarding.page.ts';
import { OnboardingPage } from './ways/onboarding.page.ts';

/** The console's table of contents. The order is that of the navigation. */
export const AREAS_OF_CONSOLE: readonly Area[] = [
  { title: 'Now', path: '/', permission: 'incidents:read', pages: [HomePage] },
  {
    title: 'Incidents',
    path: '/incidents',
    permission: 'incidents:read',
    pages: [
      IncidentPage,
      DecidePage,
      AnswerPage,
      InstantPage,
      TriagePage,
      FailuresPage,
      ExposureWindowPage,
      ObligationsPage,
      ObligationPage,
      UpdatesPage,
    ],
  },
  { title: 'Report a leak', path: '/report', permission: 'exposures:report', pages: [ReportPage] },
  { title: 'Downstream impact', path: '/downstream', permission: 'cases:read', pages: [DownstreamPage] },
  { title: 'Work', path: '/work', permission: 'runs:read', pages: [WorkPage, StepPage, ReleasesPage] },
  {
    title: 'Notices',
    path: '/notices',
    permission: 'notices:read',
    pages: [NoticesPage, CallPage, TemplatesPage, WrittenPage],
  },
  {
    title: 'Portfolio',
    path: '/portfolio',
    permission: 'portfolio:read',
    pages: [
      PortfolioPage,
      IntegrationPage,
      PartyPage,
      ReachPage,
      PartySignalsPage,
      OnboardingPage,
      OffboardingPage,
      CredentialPage,
      ActorsPage,
      ScanPage,
      CopyStorePage,
      DrillsPage,
      ValuePage,
      MachinesPage,
    ],
  },
  {
    title: 'Rotations',
    path: '/rotations',
    permission: 'rotations:read',
    pages: [RotationsPage, RotationPage, RotationSettingPage, SimulationPage],
  },
  { title: 'Gate', path: '/gate', permission: 'policy:read', pages: [GatePage] },
  {
    title: 'Access reviews',
    path: '/access-reviews',
    permission: 'reviews:read',
    pages: [ReviewsPage, ReviewPage, ReviewFile],
  },
  {
    title: 'Matrices',
    path: '/matrices',
    permission: 'matrices:read',
    pages: [
      PortfolioMatrixPage,
      MatrixFilesPage,
      AssignPage,
      MatrixPage,
      MatrixBulkPage,
      MatrixVersionPage,
      SigningKeysPage,
    ],
  },
  {
    title: 'Offerings',
    path: '/offerings',
    permission: 'offerings:read',
    pages: [OfferingsPage, OfferingPage, OfferingDraftPage],
  },
  {
    title: 'Inventory',
    path: '/inventory',
    permission: 'portfolio:read',
    pages: [InventoryPage, EditPage, ScopesPage, NewPage, FillPage],
  },
  {
    title: 'Mass revocation',
    path: '/mass-revocations',
    permission: 'revocations:read',
    pages: [MassPage, CompletenessPage, CompletenessFilePage],
  },
  { title: 'Stoppers', path: '/stoppers', permission: 'portfolio:read', pages: [StoppersPage] },
  {
    title: 'Agreements',
    path: '/agreements',
    permission: 'agreements:read',
    pages: [AgreementsPage, AgreementPage, AgreementDraftPage],
  },
  { title: 'Connectors', path: '/connectors', permission: 'connections:read', pages: [ConnectorsPage] },
  { title: 'Alerts', path: '/alerts', permission: 'operations:read', pages: [AlertsPage] },
  { title: 'Ledger', path: '/ledger', permission: 'ledger:read', pages: [LedgerPage] },
  {
    title: 'Settings',
    path: '/settings',
    permission: 'sources:read',
    pages: [SettingsPage, SourcePage, SourceSettingsPage, ProfilePage],
  },
  { title: 'The door', pages: [SignInPage, AssetsPage] },
  { title: 'Outside', pages: [NoticeLinkPage, SigningLinkPage] },
];
