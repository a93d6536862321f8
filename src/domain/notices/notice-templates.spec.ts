import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { EDITABLE, OF_EVERY_MESSAGE } from './notice-samples.ts';
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

describe('what is not known yet', () => {
  const told = (language: string, more: object) => {
    const said = { ...facts, ...OF_EVERY_MESSAGE, ...more };
    const { text, html } = templates.render('exposure', language, said);
    return [text, html];
  };
  const unknown = ['began', 'use', 'liveness', 'credentials'];

  test('is named one by one, with when more is told', () => {
    for (const part of told('en', { unknown, updateWithinHours: 12 })) {
      expect(part).toContain('Not yet known:');
      expect(part).toMatch(/since when[^]*whether anybody used it[^]*still works[^]*which credentials/);
      expect(part).toContain('The next update follows within 12 hours of this notice');
    }
    for (const part of told('de', { unknown, updateWithinHours: 1 })) {
      expect(part).toContain('Noch nicht bekannt:');
      expect(part).toMatch(/seit wann[^]*unbefugt[^]*noch gelten[^]*welche Zugangsdaten/);
      expect(part).toContain('innerhalb von 1 Stunde nach dieser');
      expect(part).not.toMatch(/\b(began|use|liveness|credentials)\b/);
    }
  });

  test('promises no time where none is set', () => {
    for (const part of told('en', { unknown, updateWithinHours: null }))
      expect(part).toContain('No time is set for the next update');
    for (const part of told('de', { unknown, updateWithinHours: null }))
      expect(part).toContain('keine Frist gesetzt');
  });

  test('is not spoken of where everything is known, nor by what was written down before', () => {
    for (const more of [{ unknown: null, updateWithinHours: 4 }, {}])
      for (const part of [...told('en', more), ...told('de', more)])
        expect(part).not.toMatch(/[Nn]ot yet known|[Nn]och nicht bekannt|update|Frist/);
  });

  test('of a credential says what of it', () => {
    const credentials = [{ label: 'Key', environment: 'production', state: 'not yet known' }];
    for (const part of told('en', { credentials }))
      expect(part).toContain('not yet known whether it still works');
    for (const part of told('de', { credentials }))
      expect(part).toContain('noch nicht bekannt, ob sie noch gelten');
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

describe('the shipped texts', () => {
  const LANGUAGES = ['en', 'de'];
  const folder = new URL('../../../templates/notices/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.liquid'));
  const categories = [...new Set(files.map((file) => file.split('.')[0]!))];
  /** What a part says from outside, and on what conditions; how a date is written is each language's own. */
  const usedIn = (source: string) =>
    [...source.matchAll(/{{\s*([\w.]+)|{%\s*(?:if|unless|for)\s+([^%]+?)\s*%}/g)]
      // What a word is compared with is the language's own matter.
      .map(([, name, tag]) => name ?? tag!.replace(/ == ".*"$/, ''))
      .filter((one, at, all) => all.indexOf(one) === at)
      .toSorted();

  test('are more than a handful, and each is there in every language', () => {
    expect(categories.length).toBeGreaterThan(15);
    for (const category of categories)
      expect([category, templates.languagesOf(category)]).toEqual([category, LANGUAGES]);
    for (const [category, { title }] of Object.entries(EDITABLE))
      expect([title, categories]).toEqual([title, expect.arrayContaining([category])]);
  });

  test.each(categories)('%s says the same in every language', (category) => {
    const [english, ...others] = LANGUAGES.map((language) => templates.sourceOf(category, language)!);
    for (const other of others)
      for (const part of ['subject', 'text', 'html'] as const) {
        expect([part, usedIn(other[part])]).toEqual([part, usedIn(english![part])]);
        // A subject that its writer gives says nothing of its own.
        if (part !== 'subject' || /\w/.test(english!.subject.replaceAll(/{{.*?}}/g, '')))
          expect(other[part]).not.toBe(english![part]);
      }
  });

  test.each(categories)(
    '%s is HTML that mail programs show, on a light ground and a dark one',
    (category) => {
      for (const language of LANGUAGES) {
        const { html } = templates.sourceOf(category, language)!;
        expect(html).toContain(`<html lang="${language}">`);
        expect(html).toContain('<meta name="color-scheme" content="light dark">');
        expect(html).not.toMatch(/<(style|script|img|link)\b/);
        // Every colour of a text has one for a dark ground.
        const colours = [...html.matchAll(/#[0-9a-f]{6}/g)].map(([colour]) => colour);
        for (const colour of new Set(colours))
          expect(['#1a2230', '#ffffff', '#5a6475', '#14532d', '#d5dae2']).toContain(colour);
      }
    },
  );

  test('on a dark ground have rules of their own, where the text says that it can bear one', () => {
    const { html } = templates.render('drill', 'en', { ...EDITABLE['drill']!.sample, ...OF_EVERY_MESSAGE });
    expect(html).toMatch(/<meta name="supported-color-schemes" content="light dark"><style>/);
    expect(html).toContain('@media (prefers-color-scheme: dark)');
    const light = templates.liquid.parse({
      subject: 's',
      text: 't',
      html: '<head><meta name="color-scheme" content="light"></head>',
    });
    expect(templates.liquid.render(light, {}).html).not.toContain('<style>');
  });
});
