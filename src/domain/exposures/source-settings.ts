import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import { whyNeverDialled, type AllowedPeers } from '../../platform/http/addresses.rules.ts';
import type { Source, SourceSettings } from './source.ts';

interface Asked {
  apiBaseUrl: string | null | undefined;
  settings: SourceSettings;
}

/**
 * What nothing would ever be asked at is refused when it is given, and not found out when the first question fails. What was
 * there before stays.
 *
 * @throws Refused with the field and its mend
 */
export function mustBeDialled(
  given: Asked,
  allowed: AllowedPeers,
  there: Asked = { apiBaseUrl: null, settings: {} },
): void {
  const [asked, before] = [addressesOf(given), addressesOf(there)];
  const fields = Object.entries(asked).flatMap(([field, address]) => {
    const never =
      typeof address === 'string' && address !== before[field] && whyNeverDialled(new URL(address), allowed);
    return never ? [{ field, ...never }] : [];
  });
  if (fields.length > 0)
    throw new Refused(refusal('invalid', 'bad-source', 'The source is not as it must be.', { fields }));
}

function addressesOf({ apiBaseUrl, settings }: Asked): Record<string, unknown> {
  return {
    '/apiBaseUrl': apiBaseUrl,
    '/settings/jwksUri': settings['jwksUri'],
    '/settings/pollUrl': settings['pollUrl'],
  };
}

/** What the kind makes of them. @throws Refused naming each that it cannot use */
export function settingsOf(kind: Source | undefined, given: Readonly<Record<string, string | boolean>>) {
  const schema = kind?.settingsSchema ?? z.strictObject({});
  const read = schema.safeParse(given);
  if (read.success) return read.data as Record<string, string | boolean>;
  const fields = read.error.issues.map((issue) => ({
    field: ['/settings', ...issue.path.map(String)].join('/'),
    problem: issue.message,
    mend: 'Take it as the source documents it.',
  }));
  throw new Refused(refusal('invalid', 'bad-source', 'The source is not as it must be.', { fields }));
}
