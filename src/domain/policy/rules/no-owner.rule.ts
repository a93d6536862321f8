import { controls } from '../frameworks.rules.ts';
import { contactOf } from '../facts.schema.ts';
import { integrationOf, type Rule } from './finding.rules.ts';

/** Nobody to call is nobody who acts: an integration has an owner who is still there. */
export const noOwner: Rule = {
  name: 'no-owner',
  title: 'The integration has an owner',
  severity: 'critical',
  frameworks: controls('NHI1:2025', 'GV.RR-02', '5.16', 'CC6.1', '28(1)(a)'),
  find(facts) {
    const { ownerContactId } = facts.integration;
    const owner = ownerContactId === null ? undefined : contactOf(facts, ownerContactId);
    if (owner?.active) return [];
    return [
      {
        subject: integrationOf(facts),
        message: owner ? `Its owner, ${owner.name}, is no longer active.` : 'Nobody owns this integration.',
        mend: 'Name an active contact as its owner.',
      },
    ];
  },
};
