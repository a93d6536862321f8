import { refusal, type Refusal, type RefusalKind } from '../../../kernel/errors.ts';

/** Error codes of RFC 8935 §2.4, as the IANA registry "Security Event Token Error Codes" has them. */
export type SetError =
  | 'invalid_request'
  | 'invalid_key'
  | 'invalid_issuer'
  | 'invalid_audience'
  | 'authentication_failed'
  | 'access_denied';

const KIND: Readonly<Record<SetError, RefusalKind>> = {
  invalid_request: 'invalid',
  invalid_key: 'unauthenticated',
  invalid_issuer: 'unauthenticated',
  invalid_audience: 'unauthenticated',
  authentication_failed: 'unauthenticated',
  access_denied: 'forbidden',
};

const CODE = /^set-((?:invalid|authentication|access)-[a-z]+)$/;

const OF_KIND: Readonly<Partial<Record<RefusalKind, SetError>>> = {
  invalid: 'invalid_request',
  conflict: 'invalid_request',
  unauthenticated: 'authentication_failed',
  forbidden: 'access_denied',
};

/** @param description for the transmitter's people; English, no secret */
export function setRefusal(error: SetError, description: string): Refusal {
  return refusal(KIND[error], `set-${error.replace('_', '-')}`, description, {
    fields: [{ field: 'body', problem: description, mend: 'See RFC 8935, section 2.4.' }],
  });
}

/** How a refusal is told to a transmitter; undefined for what HTTP alone says: too large, too many, not now. */
export function errorOf(refused: Refusal): { err: SetError; description: string } | undefined {
  const named = CODE.exec(refused.code)?.[1]?.replace('-', '_') as SetError | undefined;
  const error = named ?? OF_KIND[refused.kind];
  return error && { err: error, description: refused.message };
}
