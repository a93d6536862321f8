import { controls } from '../frameworks.rules.ts';
import { contactOf } from '../facts.schema.ts';
import { calledUpon } from './contact-freshness.rule.ts';
import { integrationOf, subjectOf, type Rule } from './finding.rules.ts';

/** Whoever is named to be called is still there and has an address or a number. */
export const unreachableContact: Rule = {
  name: 'unreachable-contact',
  title: 'Everyone who would be called can be reached',
  severity: 'high',
  frameworks: controls('GV.SC-08', 'RS.CO-02', '5.24', 'CC2.3'),
  find(facts) {
    return [...calledUpon(facts)].sort().flatMap((id) => {
      const contact = contactOf(facts, id);
      if (!contact)
        return [
          {
            subject: { ...integrationOf(facts), id: `${facts.integration.id}/${id}` },
            message: 'Somebody is named here who is no contact of any party of this integration.',
            mend: 'Name a contact of one of its parties, or add the party to the integration.',
          },
        ];
      if (contact.active && (contact.email !== null || contact.phone !== null)) return [];
      return [
        {
          subject: subjectOf('contact', contact),
          message: contact.active
            ? `${contact.name} has neither an address nor a phone number.`
            : `${contact.name} is named here and no longer active.`,
          mend: contact.active
            ? `Record how ${contact.name} can be reached.`
            : `Name somebody else in place of ${contact.name}.`,
        },
      ];
    });
  },
};
