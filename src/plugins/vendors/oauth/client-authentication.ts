import { Secret } from '../../../kernel/secret.ts';
import { oauthBasicAuth } from '../../../platform/http/request-template.rules.ts';
import type { Target } from '../../../domain/revocation/connector.ts';
import type { DeclaredRequest } from '../declared-http/declared-request.ts';

/** How an OAuth client shows who it is (RFC 6749 section 2.3.1). */
export const CLIENT_AUTHENTICATIONS = ['basic', 'post'] as const;
export type ClientAuthentication = (typeof CLIENT_AUTHENTICATIONS)[number];

/** The client that speaks. */
export interface OAuthClient {
  id: Secret;
  secret: Secret;
}

type Request = DeclaredRequest<string>['request'];

/** A form to an endpoint at which clients authenticate; `speakAs` fills in the client. */
export function clientForm(
  path: string,
  how: ClientAuthentication,
  form: Readonly<Record<string, string>>,
): Request {
  const post = how === 'post';
  return {
    method: 'POST',
    path,
    ...(post ? {} : { headers: { authorization: '{auth.basic_header}' } }),
    auth: { style: 'none' },
    body: {
      form: {
        ...form,
        ...(post ? { client_id: '{auth.client_id}', client_secret: '{auth.client_secret}' } : {}),
      },
    },
  };
}

/** The target with the client's words in it. The header of HTTP Basic encodes both parts first, and so is no plain hole. */
export function speakAs<S>(target: Target<S>, client: OAuthClient): Target<S> {
  const header = client.id.use((name) => client.secret.use((word) => oauthBasicAuth(name, word)));
  return {
    ...target,
    auth: {
      ...target.auth,
      client_id: client.id,
      client_secret: client.secret,
      basic_header: Secret.of(header),
    },
  };
}
