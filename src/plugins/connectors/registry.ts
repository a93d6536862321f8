import { AwsIamConnector } from './aws-iam/aws-iam.connector.ts';
import { AwsSecretConnector } from './aws-secret/aws-secret.connector.ts';
import { ClientRegistrationConnector } from './client-registration/client-registration.connector.ts';
import { ClientCertificateConnector } from './client-certificate/client-certificate.connector.ts';
import { DeclarativeHttpConnector } from './declarative-http/declarative-http.connector.ts';
import { ManualConnector } from './manual/manual.connector.ts';
import { OAuthRevocationConnector } from './oauth-revocation/oauth-revocation.connector.ts';
import { VaultConnector } from './vault/vault.connector.ts';
import { WebhookSecretConnector } from './webhook-secret/webhook-secret.connector.ts';

/** Every connector, each a provider that takes the guarded way out. One line adds one. */
export const connectorClasses = [
  AwsIamConnector,
  AwsSecretConnector,
  ClientRegistrationConnector,
  DeclarativeHttpConnector,
  ManualConnector,
  OAuthRevocationConnector,
  VaultConnector,
  ClientCertificateConnector,
  WebhookSecretConnector,
] as const;
