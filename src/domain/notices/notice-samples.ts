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
  unknown: ['began', 'use'],
  updateWithinHours: 12,
};

const matrix = {
  contactName: 'Nora Visser',
  partyName: 'Northwind',
  integrationName: 'Payments bridge',
  integrationReference: 'INT-2026-0007',
  number: 3,
  contentHash: '3f6c1d0b9a2e4c57b8d1e0f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6',
};

/** A kind of text that operators may write. */
export interface EditableText {
  title: string;
  /** Every variable that it has, filled as an example: nothing else can be used, and what is saved was rendered with it. */
  sample: Readonly<Record<string, unknown>>;
  /**
   * A mail that is no notice: nobody owes it, no page of its own shows it, and nothing of `OF_EVERY_MESSAGE` is in it.
   * `says`: what its text and its HTML are for, so that neither may leave it out.
   */
  mail?: { says: readonly string[] };
}

/** What a text may use, by name. */
export function variablesOf({ sample, mail }: EditableText): string[] {
  return [...Object.keys(sample), ...(mail ? [] : Object.keys(OF_EVERY_MESSAGE))];
}

/** The categories whose texts operators may write. */
export const EDITABLE: Readonly<Record<string, EditableText>> = {
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
  'acknowledgement-code': {
    title: 'A second code for an answer',
    sample: { reference: 'NTC-2026-0042', code: '48291375', minutes: 15 },
    mail: { says: ['code'] },
  },
  'matrix-proposed': {
    title: 'A matrix waits for a signature',
    sample: {
      ...matrix,
      link: 'https://countersign.example/m/example',
      linkExpiresAt: '2026-12-22T08:05:31.000Z',
      renewal: true,
      reminder: true,
    },
    mail: { says: ['link'] },
  },
  'matrix-contact': {
    title: 'A contact is named in a matrix',
    sample: {
      ...matrix,
      link: 'https://countersign.example/mc/example',
      linkExpiresAt: '2026-12-22T08:05:31.000Z',
      duties: ['revocation', 'notification'],
    },
    mail: { says: ['link'] },
  },
  'matrix-changed': {
    title: 'A signed matrix no longer holds',
    sample: {
      ...matrix,
      state: 'fallen',
      changes: [{ where: 'revocation', what: 'within', before: '1 hour', after: '4 hours' }],
    },
    mail: { says: [] },
  },
  'matrix-code': {
    title: 'The code to sign a matrix',
    sample: { code: '48291375', integrationName: 'Payments bridge', minutes: 15 },
    mail: { says: ['code'] },
  },
  'signing-key': {
    title: 'A key was registered to sign with',
    sample: {
      contactName: 'Nora Visser',
      partyName: 'Northwind',
      registeredBy: 'Tom Weber',
      fingerprint: '3f6c1d0b9a2e4c57b8d1e0f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6',
      at: '2026-11-22T08:05:31.000Z',
      link: 'https://countersign.example/signing-keys',
    },
    mail: { says: ['fingerprint', 'link'] },
  },
  'token-made': {
    title: 'A token was made that acts for the reader, or for their party',
    sample: {
      name: 'Nora Visser',
      partyName: 'Northwind',
      tokenName: 'Signal receiver',
      tokenId: '01a206e3-72c7-7178-986e-ed33d7a3c114',
      madeBy: 'Tom Weber',
      at: '2026-11-22T08:05:31.000Z',
      expiresAt: '2027-02-20T08:05:31.000Z',
    },
    mail: { says: ['tokenId'] },
  },
  'access-review': {
    title: 'A reviewer is reminded',
    sample: {
      reviewerName: 'Nora Visser',
      reviewReference: 'ARV-2026-0003',
      stage: 'missed',
      dueAt: '2026-12-06T08:05:31.000Z',
      open: 7,
      lines: [
        { what: 'INT-2026-0007 Payments bridge', open: 5 },
        { what: null, open: 2 },
      ],
      more: 3,
      link: 'https://countersign.example/access-reviews/ARV-2026-0003',
    },
    mail: { says: ['link'] },
  },
  'alert-digest': {
    title: 'Alerts for whoever is on call',
    sample: {
      name: 'Nora Visser',
      total: 4,
      critical: 1,
      more: 3,
      alerts: [
        {
          severity: 'critical',
          message:
            'Notice NTC-2026-0042 is late (due 22 November 2026, 08:05 UTC): it is attempting, receipt none.',
          occurrences: 2,
          at: '2026-11-22T08:05:31.000Z',
        },
      ],
      link: 'https://countersign.example/alerts',
    },
    mail: { says: ['link'] },
  },
  'break-glass': {
    title: 'Somebody broke the glass',
    sample: {
      name: 'Nora Visser',
      personName: 'Tom Weber',
      reference: 'REV-2026-0011',
      credentialName: 'Payments key',
      credentialReference: 'CRD-2026-0003',
      skipped: ['approval'],
      at: '2026-11-22T08:05:31.000Z',
      reason: 'The supplier does not answer.',
      link: 'https://countersign.example/credentials/CRD-2026-0003/value',
    },
    mail: { says: ['link'] },
  },
  'checkout-consent': {
    title: 'A machine asks for consent',
    sample: {
      name: 'Nora Visser',
      machineName: 'Ledger importer',
      machineReference: 'MCH-2026-0005',
      purpose: 'nightly import',
      credentialName: 'Payments key',
      credentialReference: 'CRD-2026-0003',
      answerUntil: '2026-11-22T08:05:31.000Z',
      link: 'https://countersign.example/releases',
    },
    mail: { says: ['link'] },
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
