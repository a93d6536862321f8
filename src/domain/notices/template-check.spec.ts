import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { EDITABLE, OF_EVERY_MESSAGE } from './notice-samples.ts';
import { NoticeTemplates } from './notice-templates.ts';
import type { NoticeSource } from './notice-liquid.ts';
import { problemsOfTemplate } from './template-check.ts';

const folder = fileURLToPath(new URL('../../../templates/notices', import.meta.url));
const templates = new NoticeTemplates(folder);
const exposure = EDITABLE['exposure']!;
const { sample } = exposure;
const shipped = templates.sourceOf('exposure', 'en')!;
const problems = (more: Partial<NoticeSource>) =>
  problemsOfTemplate(templates.liquid, { ...shipped, ...more }, exposure).map(
    ({ field, problem }) => `${field} ${problem}`,
  );

describe('every shipped text', () => {
  const all = Object.keys(EDITABLE).flatMap((category) =>
    templates.languagesOf(category).map((language) => [category, language] as const),
  );

  test('is there in German, too, and may be written anew', () => {
    const categories = new Set(readdirSync(folder).map((name) => name.split('.')[0]!));
    expect(Object.keys(EDITABLE).toSorted()).toEqual([...categories].toSorted());
    for (const category of categories) expect(templates.languagesOf(category)).toEqual(['en', 'de']);
  });

  test('shows times in the manner of its reader, never as a machine writes them', () => {
    for (const [category, language] of all) {
      const parsed = templates.liquid.parse(templates.sourceOf(category, language)!);
      const { subject, text, html } = templates.liquid.render(parsed, {
        ...EDITABLE[category]!.sample,
        ...(EDITABLE[category]!.mail ? {} : OF_EVERY_MESSAGE),
      });
      for (const part of [subject, text, html]) expect(part).not.toMatch(/\d{4}-\d\d-\d\dT/);
    }
  });

  test('of a mail that is no notice says what it is for, and nothing of a notice', () => {
    const kind = EDITABLE['access-review']!;
    const own = templates.sourceOf('access-review', 'en')!;
    const found = (text: string) =>
      problemsOfTemplate(templates.liquid, { ...own, text }, kind).map(
        ({ field, problem }) => `${field} ${problem}`,
      );
    expect(found('{{ reviewerName }}, look: {{ link }}')).toEqual([]);
    expect(found('{{ reviewerName }}')).toEqual(['text does not say {{ link }}']);
    expect(found('{{ link }} {{ checkpoint }}')[0]).toContain('uses checkpoint');
  });

  test.each(all)('%s in %s could be saved as it is', (category, language) => {
    const source = templates.sourceOf(category, language)!;
    expect(problemsOfTemplate(templates.liquid, source, EDITABLE[category]!)).toEqual([]);
  });

  test('fetches nothing and runs nothing, and fits a phone', () => {
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.html.liquid'))) {
      const [category = '', language = ''] = file.split('.');
      const { html } = templates.sourceOf(category, language)!;
      expect(html).not.toMatch(/<(script|img|style|link|iframe)\b|url\(|@import|\son\w+=/i);
      expect(html).toContain('name="viewport"');
      expect(html).toContain(`<html lang="${language}">`);
      expect(html).toContain('role="presentation"');
    }
  });
});

describe('a text that somebody writes', () => {
  test.each([
    ['{{ password }}', 'text uses password, which this category does not have'],
    ['{% include "x" %}', /^text .*include/],
    ['{{ reason | raw }}', /^text .*raw/],
    [
      '{{ link }} {{ code }} {% for c in credentials %}{{ c.value }}{% endfor %}',
      /^text undefined variable: c\.value/,
    ],
    ['{% if %}', /^text /],
    ['   ', 'text is empty'],
    ['{{ reference }}', 'text does not say {{ link }}'],
    ['{{ constructor }}', /^text uses constructor/],
    ['{{ reason.constructor }} {{ link }} {{ code }}', /^text undefined variable/],
    [`{% for i in (1..9000) %}${'grows '.repeat(10)}{% endfor %}`, /^text it grows beyond/],
  ])('%s is refused', (text, expected) => {
    const found = problems({ text });
    expect(found[0]).toMatch(expected);
  });

  test.each([
    ['<script>fetch("x")</script>', /element/],
    ['<img src="https://x.example/o.gif">', /picture/],
    ['<p style="background:url(https://x.example/o.gif)">', /fetches/],
    ['<p onclick = "x()">', /script in an attribute/],
    ['<scr{% if reference %}ipt>alert(1)</scr{% endif %}ipt>', /an element/],
    ['<meta http-equiv="refresh" content="0; https://x.example">', /an element/],
    ['<p style="background:u\\72l(https://x.example/o.gif)">', /a style/],
    ['<p style="background:ur/**/l(https://x.example/o.gif)">', /a style/],
    [`<p style="background:image-set('https://x.example/o.gif' 1x)">`, /a style/],
    ['<a href="java&#9;script:alert(1)">x</a>', /an address/],
    ['<a href="https://x.example" ping="https://x.example/p">x</a>', /an attribute/],
    ['<a href="https://x.example/?{{ code }}">x</a>', /an address/],
    ['<a href="https://x.example/?{{ link }}">x</a>', /an address/],
    ['<style>@import "x"</style>', /style sheet/],
    ['<a href="&#106;avascript:x()">a</a>', /address that runs/],
    ['<a href="{{ link }}" target="_blank" onmouseover="x">', /script in an attribute/],
    ['<table background="https://x.example/o.gif">', /fetched/],
    ['<form action="x"><input name="password">', /element/],
  ])('%s does not go into a mail', (html, expected) => {
    expect(problems({ html: `${shipped.html}${html}` })[0]).toMatch(expected);
  });

  test('facts of others are shown as text, never as HTML', () => {
    const parsed = templates.liquid.parse(shipped);
    const { html } = templates.liquid.render(parsed, {
      ...sample,
      reason: '<img src=x onerror=alert(1)>{{ link }}',
      link: 'https://x.example',
      code: '1',
      linkExpiresAt: '2026-11-22T08:05:31.000Z',
      checkpoint: '',
    });
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;{{ link }}');
  });
});
