import { controls } from '../frameworks.rules.ts';
import type { GateFacts } from '../facts.schema.ts';
import { day, lengthWords, subjectOf, type Rule } from './finding.rules.ts';

/** Whoever would be called has confirmed not too long ago that the call would reach them. */
export const contactFreshness: Rule = {
  name: 'contact-freshness',
  title: 'Contacts have confirmed lately',
  severity: 'warning',
  frameworks: controls('GV.SC-08', 'RS.CO-02', '5.24', 'CC2.3'),
  find(facts, limits, now) {
    const needed = calledUpon(facts);
    return facts.parties
      .flatMap((party) => party.contacts)
      .filter((contact) => contact.active && needed.has(contact.id))
      .filter(({ confirmedAt }) => confirmedAt === null || now - confirmedAt > limits.contactFreshness)
      .map((contact) => ({
        subject: subjectOf('contact', contact),
        message:
          contact.confirmedAt === null
            ? `${contact.name} has never confirmed to be reachable.`
            : `${contact.name} confirmed last on ${day(contact.confirmedAt)}; the policy asks for every ${lengthWords(limits.contactFreshness)}.`,
        mend: `Ask ${contact.name} to confirm the address and phone number on record.`,
      }));
  },
};

/** The ids of those whom the matrix, a term, a revocation path or an owner's name would have called. */
export function calledUpon(facts: GateFacts): ReadonlySet<string> {
  return new Set(
    [
      facts.integration.ownerContactId,
      ...(facts.matrix?.rows ?? []).map((row) => row.contactId),
      ...(facts.agreement?.terms ?? []).flatMap((term) => term.recipients),
      ...facts.credentials.map((credential) => credential.ownerContactId),
    ].filter((id) => id !== null),
  );
}
