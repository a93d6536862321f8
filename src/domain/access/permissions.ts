import type { Principal, Role } from '../../kernel/principal.ts';

/** Everything that anybody may be allowed to do, and what it means in one line. A closed list. */
export const PERMISSIONS = {
  'portfolio:read': 'see integrations, parties, credentials, locations and systems',
  'portfolio:write': 'change integrations, parties, credentials, locations and systems',
  'portfolio:import': 'import whole portfolios',
  'agreements:read': 'see agreements and their terms',
  'agreements:write': 'change agreements and their terms',
  'matrices:read': 'see responsibility matrices',
  'matrices:write': 'propose matrix versions',
  'matrices:countersign': 'sign a matrix version for a party',
  'offerings:read': 'see what is offered to many customers, and where each stands',
  'offerings:write': 'write, publish and propose offerings, and remind customers',
  'policy:read': 'see findings, exceptions and the gate',
  'policy:write': 'change policy templates and ask for exceptions',
  'reviews:read': 'see reviews of who may view, rotate and revoke',
  'reviews:open': 'open such reviews, hand them over, and decide about accounts',
  'reviews:decide': 'decide who keeps an access',
  'gate:check': 'ask whether an integration may go live',
  'gate:open': 'let an integration go live, where the gate lets it',
  'usage:report': 'report the use of credentials',
  'usage:read': 'see who used credentials, and from where',
  'exposures:read': 'see exposure reports and what they matched',
  'exposures:report': 'report an exposed credential',
  'reports:read': 'list exposure reports; a party its own, without what they matched',
  'incidents:read': 'see incidents',
  'cases:read': 'see the cases of integrations',
  'incidents:act': 'classify, dismiss, close and reopen incidents',
  'revocations:read': 'see mass revocations and what is proven of them',
  'revocations:ask': 'draft a mass revocation and see who would break',
  'revocations:approve': 'approve a mass revocation that somebody else drafted',
  'revocations:force': 'go on where a replacement or an approval would be waited for',
  'runs:read': 'see runbooks, runs and steps',
  'runs:start': 'start a runbook',
  'steps:settle': 'settle, retry and skip steps',
  'approvals:decide': 'approve or refuse',
  'rotations:read': 'see rotations, and simulate them',
  'rotations:operate': 'start, cut short, roll back and stop rotations',
  'notices:read': 'see notices and their attempts',
  'notices:write': 'write, withhold and correct notices',
  'notice-templates:read': 'see the texts of notices',
  'notice-templates:write': 'write the texts of notices',
  'bounces:report': 'hand in what mail servers sent back',
  'notices:acknowledge': 'acknowledge a notice for its recipient',
  'connections:read': 'see how suppliers are reached',
  'connections:write': 'set how suppliers are reached',
  'sources:read': 'see where reports come from',
  'sources:write': 'set where reports come from',
  'statements:sign': 'state that something is so, with a name',
  'copies:sign-own': 'state, with a name, that a copy that one owns is gone',
  'copies:report': 'report which version a copy holds, and what a look at it showed',
  'failures:report': 'report what fails after a revocation',
  'risks:accept': 'accept a risk until a date',
  'attachments:read': 'read uploaded files',
  'attachments:write': 'upload files',
  'evidence:read': 'take evidence packs',
  'ledger:read': 'read and verify the ledger',
  'signals:read': 'see subscriptions, and what was sent to them',
  'signals:write': 'subscribe to signals',
  'users:read': 'see accounts',
  'users:create': 'create accounts',
  'tokens:read': 'see API tokens, never their values',
  'tokens:create': 'create and revoke API tokens',
  'operations:read': 'see failed and stalled work',
  'operations:act': 'retry failed work',
  'metrics:read': 'read the measurements',
  'machines:read': 'see machine identities, what they may check out, and what they hold',
  'machines:write': 'register machine identities and ask for what they may check out',
  'machines:approve': 'approve machine identities and what they may check out',
  'checkouts:end': 'end a checkout that a machine holds',
  'reveals:ask': 'ask to see the value of one credential for a short time',
  'credentials:reveal':
    'see the value of a credential; given for one of them, for a short time, and by no role',
  'credentials:break-glass': 'see the value of a credential that nobody gave: everyone passed over is told',
  'self:read': 'see who one is',
  'self:write': 'say in which language one is written to, and make API tokens of one’s own account',
} as const satisfies Record<string, string>;

export type Permission = keyof typeof PERMISSIONS;

const READS = (Object.keys(PERMISSIONS) as Permission[]).filter((permission) => permission.endsWith(':read'));
/** What nobody holds for good: it is given to one person for a while (`TemporaryPermissions`). */
const BY_NO_ROLE: readonly Permission[] = ['credentials:reveal'];
const OPERATOR_READS = READS.filter(
  (permission) => !['users:read', 'tokens:read', 'metrics:read'].includes(permission),
);

/** What each role may do. `party_contact` sees only its own party's rows, whatever stands here. */
const GRANTS: Readonly<Record<Role, readonly Permission[]>> = {
  admin: (Object.keys(PERMISSIONS) as Permission[]).filter((permission) => !BY_NO_ROLE.includes(permission)),
  vendor_risk: [
    ...OPERATOR_READS,
    'self:write',
    'portfolio:write',
    'portfolio:import',
    'agreements:write',
    'matrices:write',
    'offerings:write',
    'policy:write',
    'reviews:open',
    'reviews:decide',
    'gate:check',
    'gate:open',
    'revocations:ask',
    'exposures:report',
    'notices:write',
    'signals:write',
    'attachments:write',
    'statements:sign',
    'copies:sign-own',
    'copies:report',
    'failures:report',
    'approvals:decide',
    'machines:write',
    'machines:approve',
    'checkouts:end',
    'reveals:ask',
  ],
  responder: [
    ...OPERATOR_READS,
    'self:write',
    'exposures:report',
    'revocations:ask',
    'revocations:approve',
    'incidents:act',
    'runs:start',
    'steps:settle',
    'approvals:decide',
    'notices:write',
    'bounces:report',
    'reviews:decide',
    'gate:check',
    'statements:sign',
    'copies:sign-own',
    'copies:report',
    'failures:report',
    'risks:accept',
    'attachments:write',
    'operations:act',
    'rotations:operate',
    'checkouts:end',
    'reveals:ask',
    'credentials:break-glass',
  ],
  contract_owner: [
    ...OPERATOR_READS,
    'self:write',
    'agreements:write',
    'matrices:write',
    'matrices:countersign',
    'offerings:write',
    'approvals:decide',
    'risks:accept',
    'reviews:decide',
    'notices:write',
    'notice-templates:write',
    'statements:sign',
    'copies:sign-own',
    'attachments:write',
    'machines:approve',
  ],
  integration_engineer: [
    'self:read',
    'self:write',
    'portfolio:read',
    'portfolio:write',
    'matrices:read',
    'policy:read',
    'reviews:read',
    'reviews:decide',
    'gate:check',
    'exposures:report',
    'usage:report',
    'usage:read',
    'connections:read',
    'runs:read',
    'steps:settle',
    'copies:sign-own',
    'copies:report',
    'failures:report',
    'rotations:read',
    'rotations:operate',
    'machines:read',
    'machines:write',
    'checkouts:end',
    'reveals:ask',
  ],
  auditor: [...OPERATOR_READS, 'self:write'],
  // What a run does is the operator's; an outsider answers by link, statement or acknowledgement, and sees cases, never the
  // incident behind them.
  party_contact: [
    'self:read',
    'self:write',
    'portfolio:read',
    'agreements:read',
    'matrices:read',
    'matrices:write',
    'matrices:countersign',
    'exposures:report',
    'usage:report',
    'reports:read',
    'cases:read',
    'notices:read',
    'notices:acknowledge',
    'signals:read',
    'signals:write',
    'statements:sign',
    'copies:sign-own',
    'copies:report',
    'failures:report',
    'attachments:read',
    'attachments:write',
    'evidence:read',
  ],
};

/** The first is a part of the second: a token that was given the second alone may do it, too. */
const PART_OF: Partial<Record<Permission, Permission>> = { 'copies:sign-own': 'statements:sign' };

/**
 * Whether somebody may do something at all; row-level security says to which rows. A token or link with permissions of
 * its own has exactly those.
 */
export function may(principal: Principal, permission: Permission): boolean {
  if (principal.kind === 'system') return true;
  const given = principal.permissions;
  if (given) return given.some((one) => one === permission || one === PART_OF[permission]);
  return (
    principal.roles.some((role) => GRANTS[role].includes(permission)) ||
    (principal.temporary?.includes(permission) ?? false)
  );
}

/** The roles that hold a permission. */
export function rolesThatMay(permission: Permission): Role[] {
  return (Object.keys(GRANTS) as Role[]).filter((role) => GRANTS[role].includes(permission));
}

/** What a role may do. */
export function grantsOf(role: Role): readonly Permission[] {
  return GRANTS[role];
}

export function isPermission(text: string): text is Permission {
  return Object.hasOwn(PERMISSIONS, text);
}
