import type { NoticeFacts } from './notice-templates.ts';

const contact = {
  reference: 'NTC-2026-0042',
  contactName: 'Nora Visser',
  partyName: 'Northwind',
  integrationName: 'Payments bridge',
  integrationReference: 'INT-2026-0007',
};

const exposure: NoticeFacts = {
  reference: 'NTC-2026-0042',
  caseReference: 'CAS-2026-0007',
  integrationName: 'Payments bridge',
  fromParty: 'Brightwater',
  toParty: 'Northwind',
  trigger: 'confirmed',
  awareAt: '2026-11-22T08:05:31.000Z',
  dueAt: '2026-11-23T08:05:31.000Z',
  credentials: [{ label: 'Payments key', environment: 'production', state: 'live' }],
  copies: 3,
  reason: 'Found in a public repository.',
};

/**
 * The categories whose texts operators may write, each with every variable that it has, filled as an example: nothing else
 * can be used, and what is saved has been rendered with these.
 */
export const EDITABLE: Readonly<
  Record<string, { title: string; sample: Readonly<Record<string, unknown>> }>
> = {
  exposure: { title: 'A credential was exposed', sample: exposure },
  drill: {
    title: 'A drill calls',
    sample: { ...contact, credentialName: 'Payments key', answerBy: '2026-11-22T20:05:31.000Z' },
  },
  'contact-confirmation': {
    title: 'A contact is asked whether mail reaches them',
    sample: { ...contact, answerBy: '2026-12-06T08:05:31.000Z' },
  },
  'offboarding-started': {
    title: 'An integration ends',
    sample: { ...contact, reason: 'The contract ended.', at: '2026-11-22T08:05:31.000Z' },
  },
  'offboarding-ended': {
    title: 'An integration has ended',
    sample: { ...contact, reason: 'The contract ended.', at: '2026-11-22T08:05:31.000Z' },
  },
  report: {
    title: 'A duty of a law is told',
    sample: {
      reference: 'NTC-2026-0042',
      fromParty: 'Brightwater',
      toParty: 'Data Protection Authority',
      integrationName: 'Payments bridge',
      subject: 'What happened at the Payments bridge',
      paragraphs: ['A production credential was found in public.', 'It is dead since noon.'],
      dutyReference: 'OBL-2026-0007',
      law: 'GDPR, controller tells the supervisory authority',
      article: 'Regulation (EU) 2016/679, Art. 33(1)',
      phase: 'notification',
      dueAt: '2026-11-25T08:05:31.000Z',
    },
  },
  reveal: {
    title: 'Somebody saw a value',
    sample: {
      reference: 'NTC-2026-0042',
      contactName: 'Nora Visser',
      partyName: 'Northwind',
      integrationName: 'Payments bridge',
      credentialName: 'Payments key',
      versionNumber: 2,
      revealReference: 'REV-2026-0011',
      breakGlass: true,
      at: '2026-11-22T08:05:31.000Z',
    },
  },
  'checkout-ended': {
    title: 'A checkout has ended',
    sample: {
      reference: 'NTC-2026-0042',
      contactName: 'Nora Visser',
      partyName: 'Northwind',
      integrationName: 'Payments bridge',
      machineName: 'Ledger importer',
      machineReference: 'MCH-2026-0005',
      credentialName: 'Payments key',
      credentialReference: 'CRD-2026-0003',
      versionNumber: 2,
      leaked: true,
      at: '2026-11-22T08:05:31.000Z',
    },
  },
  written: {
    title: 'A notice that somebody wrote',
    sample: {
      reference: 'NTC-2026-0042',
      fromParty: 'Brightwater',
      toParty: 'Northwind',
      integrationName: 'Payments bridge',
      subject: 'How it stands with the Payments bridge',
      paragraphs: ['The old key is dead.', 'The new one is in use since noon.'],
    },
  },
};

/** What every message has beside its facts; on the page behind the link they are null. */
export const OF_EVERY_MESSAGE = {
  link: 'https://countersign.example/n/example',
  code: '482913',
  linkExpiresAt: '2026-12-22T08:05:31.000Z',
  // As long as a real one: its last line is what a narrow mail has to break.
  checkpoint:
    'countersign/0f2ed0613e59d944\n498\nDqolBUdxUn/D+YvrZCojy7Lquns7eiCzWnO0cl54qYY=\n\n' +
    '— countersign/0f2ed0613e59d944 a5c3tzbmL/dY1ekHuhvmlhDim8y9/igN25s3OSQQ6gaFqIxzNgOmP5TNOD005uknNA18BVx5FNGHOZ9NbIzWekGxbwg=',
} as const;
