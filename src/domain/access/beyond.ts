import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal, Role } from '../../kernel/principal.ts';
import { grantsOf, isPermission, may } from './permissions.ts';

/** Nobody hands out more than they hold, nor outside of their own party. */
export function beyondOwn(
  by: Principal,
  permissions: readonly string[],
  partyId: Id | null,
): Refusal | undefined {
  const over = permissions.filter((permission) => !isPermission(permission) || !may(by, permission));
  if (over.length > 0) {
    return refusal(
      'forbidden',
      'beyond-own-permissions',
      `You do not hold ${over.slice(0, 5).join(', ')} yourself.`,
    );
  }
  if (by.partyId !== null && by.partyId !== partyId) {
    return refusal('forbidden', 'beyond-own-party', 'You can only do this for your own party.');
  }
  return undefined;
}

/**
 * The operator's roles are for the installation: bound to a party they would promise what row-level security never lets
 * them do. Only what a contact of a party may do can be bound to one.
 */
export function boundBeyondContact(
  held: {
    field: '/role' | '/roles' | '/permissions';
    roles: readonly Role[];
    permissions: readonly string[];
  },
  partyId: Id | null,
): Refusal | undefined {
  if (partyId === null) return undefined;
  const ofContacts: readonly string[] = grantsOf('party_contact');
  const over = [
    ...held.roles.filter((role) => role !== 'party_contact'),
    ...held.permissions.filter((permission) => !ofContacts.includes(permission)),
  ];
  if (over.length === 0) return undefined;
  return refusal('invalid', 'not-for-parties', 'Only a contact of a party may be bound to a party.', {
    fields: [
      {
        field: held.field,
        problem: `${over.slice(0, 5).join(', ')} is the operator's, and cannot be bound to a party`,
        mend:
          held.field === '/permissions'
            ? 'Name only permissions that party_contact has, or no party.'
            : 'Name the role party_contact alone, or no party.',
      },
    ],
  });
}

/**
 * A token that acts as a person is made by that person: whoever could make one of somebody else would be two people, and
 * pass every rule that wants two. Only the host's terminal may, and that the person is told of.
 */
export function actsAsAnother(by: Principal, userId: Id | undefined): Refusal | undefined {
  if (userId === undefined || by.kind === 'system' || (by.kind === 'user' && by.id === userId))
    return undefined;
  return refusal(
    'forbidden',
    'anothers-token',
    'A token that acts as a person is made by that person alone.',
    {
      fields: [
        {
          field: '/userId',
          problem: 'is the account of somebody else than you',
          mend: 'They make it themselves, signed in, on the page of their account (/profile); you may make a token without a person: leave out userId.',
        },
      ],
    },
  );
}
