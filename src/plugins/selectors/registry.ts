import { CredentialsOfIntegrationSelector } from './credentials-of-integration/credentials-of-integration.selector.ts';
import { ExposedVersionsSelector } from './exposed-versions/exposed-versions.selector.ts';
import { FromInputSelector } from './from-input/from-input.selector.ts';
import { LocationsOfExposedVersionsSelector } from './locations-of-exposed-versions/locations-of-exposed-versions.selector.ts';
import { LocationsOfIntegrationSelector } from './locations-of-integration/locations-of-integration.selector.ts';
import { NewVersionOfRotationSelector } from './new-version-of-rotation/new-version-of-rotation.selector.ts';
import { NoticesOwedSelector } from './notices-owed/notices-owed.selector.ts';
import { OldVersionOfRotationSelector } from './old-version-of-rotation/old-version-of-rotation.selector.ts';
import { PlacesOfNewVersionSelector } from './places-of-new-version/places-of-new-version.selector.ts';
import { PlacesOfOldVersionSelector } from './places-of-old-version/places-of-old-version.selector.ts';
import { VersionsOfIntegrationSelector } from './versions-of-integration/versions-of-integration.selector.ts';

/** Everything that a runbook may fan out over, each a Nest provider. One line adds one. */
export const selectorClasses = [
  CredentialsOfIntegrationSelector,
  ExposedVersionsSelector,
  FromInputSelector,
  LocationsOfExposedVersionsSelector,
  LocationsOfIntegrationSelector,
  NewVersionOfRotationSelector,
  NoticesOwedSelector,
  OldVersionOfRotationSelector,
  PlacesOfNewVersionSelector,
  PlacesOfOldVersionSelector,
  VersionsOfIntegrationSelector,
] as const;
