import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { EDITABLE } from './notice-samples.ts';
import { NoticeTemplates } from './notice-templates.ts';
import type { NoticeSource } from './notice-liquid.ts';
import { problemsOfTemplate } from './template-check.ts';

const folder = fileURLToPath(new URL('../../../templates/notices', import.meta.url));
const templates = new NoticeTemplates(folder);
const { sample } = EDITABLE['exposure']!;
const shipped = templates.sourceOf('exposure', 'en')!;
const problems = (more: Partial<NoticeSource>) =>
  problemsOfTemplate(templates.liquid, { ...shipped, ...more }, sample).map(
    ({ field, problem }) => `${field} ${problem}`,
  );

describe('every shipped text', () => {
  const all = Object.keys(EDITABLE).flatMap((category) =>
    templates.languagesOf(category).map((language) => [category, language] as const),
  );

  test('of the exposure and the common ones is there in German, too', () => {
    for (const category of ['exposure', 'drill', 'contact-confirmation'])
      expect(templates.languagesOf(category)).toEqual(['en', 'de']);
  });

  test.each(all)('%s in %s could be saved as it is', (category, language) => {
    const source = templates.sourceOf(category, language)!;
    expect(problemsOfTemplate(templates.liquid, source, EDITABLE[category]!.sample)).toEqual([]);
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
