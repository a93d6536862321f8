import { controls } from '../frameworks.rules.ts';
import { words, type Rule } from './finding.rules.ts';

/** Each side has promised to tell the other, of what the policy asks for. */
export const notificationMissing: Rule = {
  name: 'notification-missing',
  title: 'Each side has promised to tell the other',
  severity: 'high',
  frameworks: controls('GV.SC-08', 'RS.CO-02', '5.20', 'CC2.3', '30(3)(b)'),
  find(facts, limits) {
    const { agreement } = facts;
    if (!agreement) return [];
    return (['to_party', 'from_party'] as const).flatMap((direction) =>
      limits.notificationTriggers
        .filter(
          (trigger) =>
            !agreement.terms.some((term) => term.direction === direction && term.trigger === trigger),
        )
        .map((trigger) => ({
          subject: {
            kind: 'agreement' as const,
            id: `${agreement.id}/${direction}/${trigger}`,
            name: agreement.title,
          },
          message: `${direction === 'to_party' ? 'We have' : 'The other side has'} not promised to tell when an exposure is ${words(trigger)}.`,
          mend: `Agree on a notification window for ${words(trigger)} ${direction === 'to_party' ? 'towards the other side' : 'towards us'}.`,
        })),
    );
  },
  idle: (limits) => (limits.notificationTriggers.length === 0 ? 'no trigger is asked for' : undefined),
};
