import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { NoticeTemplates, shownText } from './notice-templates.ts';

const templates = new NoticeTemplates(fileURLToPath(new URL('../../../templates/notices', import.meta.url)));
const facts = {
  reference: 'NOT-2026-0007',
  caseReference: 'CASE-2026-0003',
  integrationName: 'Parcel tracking',
  fromParty: 'Halden Retail',
  toParty: 'Meridian Freight',
  trigger: 'confirmed',
  awareAt: '2026-11-22T08:05:31.482Z',
  dueAt: '2026-11-23T08:05:31.482Z',
  credentials: [{ label: 'Tracking key', environment: 'production', state: 'being revoked' }],
  copies: 3,
  reason: 'found in a public repository',
};

describe('the notice of an exposure', () => {
  const mail = templates.render('exposure', 'en', {
    ...facts,
    link: 'https://countersign.example/n/abc',
    code: '482913',
    linkExpiresAt: '2026-12-22T08:05:31.482Z',
    checkpoint: 'countersign.example/ledger\n42\nq83v',
  });
  const page = shownText(templates, {
    category: 'exposure',
    language: 'en',
    facts,
    createdAt: Date.parse('2026-11-22T08:05:31.482Z'),
  });

  test('carries the link and the checkpoint in the mail', () => {
    for (const part of [mail.text, mail.html]) {
      expect(part).toContain('https://countersign.example/n/abc');
      expect(part).toContain('q83v');
    }
  });

  test('says times as people say them, with their zone', () => {
    for (const part of [mail.text, mail.html, page.text]) {
      expect(part).toContain('23 November 2026, 08:05 UTC');
      expect(part).not.toMatch(/\d{4}-\d{2}-\d{2}T/);
    }
  });

  test('leaves no hole on the page where the mail has its link and checkpoint', () => {
    expect(page.text).toContain('Credentials affected:\n- Tracking key');
    expect(page.text).not.toContain('acknowledge that you received');
    expect(page.text).not.toContain('checkpoint');
    expect(page.text.trimEnd()).toMatch(/said to be so\.$/);
  });
});

describe.each([
  ['drill', { credentialName: 'Ledger key' }],
  ['contact-confirmation', {}],
] as const)('the notice %s', (category, more) => {
  const own = {
    reference: 'NTC-2026-0007',
    contactName: 'Nora Visser',
    partyName: 'Meridian Freight',
    integrationName: 'Billing export',
    integrationReference: 'INT-2026-0001',
    answerBy: '2026-12-06T08:05:31.482Z',
    ...more,
  };
  const page = shownText(templates, {
    category,
    language: 'en',
    facts: own,
    createdAt: Date.parse('2026-11-22T08:05:31.482Z'),
  });
  const mail = templates.render(category, 'en', {
    ...own,
    link: 'https://countersign.example/n/abc',
    code: '482913',
    linkExpiresAt: '2026-12-22T08:05:31.482Z',
    checkpoint: 'countersign.example/ledger\n42\nq83v',
  });

  test('says times as people say them', () => {
    for (const part of [mail.text, mail.html, page.text]) {
      expect(part).toContain('6 December 2026, 08:05 UTC');
      expect(part).not.toMatch(/\d{4}-\d{2}-\d{2}T/);
    }
  });

  test('carries link and checkpoint in the mail, and leaves no hole on the page', () => {
    for (const part of [mail.text, mail.html]) expect(part).toMatch(/\/n\/abc[^]*q83v/);
    expect(page.text).not.toMatch(/link|checkpoint|:\s*\n\s*\n/);
    expect(page.text.trimEnd()).toMatch(/\.$/);
  });
});
