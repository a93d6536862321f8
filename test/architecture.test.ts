import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { violationsOf, type Violation } from './support/architecture.ts';
import { DOMAIN, PLATFORM, placeOf, TOP } from './support/house.ts';
import { readSource } from './support/read-source.ts';
import { projectsOf, type Project } from './support/test-projects.ts';

const ROOT = process.cwd();

describe('the house', () => {
  const files = sourceFiles();

  test('every file stands on its floor and leans only on what is below it', () => {
    expect(told(violationsOf(files))).toEqual([]);
  });

  test('and there are files to be judged', () => {
    for (const path of [
      'src/kernel/merkle.ts',
      'src/domain/ledger/ledger.service.ts',
      'src/platform/signing/keys.ts',
    ]) {
      expect(files.has(path)).toBe(true);
    }
  });

  test('there are no other folders at the top', () => {
    const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8')
      .split('\n')
      .map((line) => line.replaceAll('/', '').trim());
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !ignored.includes(entry.name))
      .map(({ name }) => name);
    expect(folders.filter((name) => !TOP.includes(name))).toEqual([]);
  });

  test('every file of tests belongs to exactly one project', () => {
    const projects = allProjects();
    expect(projects.map(({ name }) => name).sort()).toEqual(['app', 'pages', 'unit']);
    const strays = [...files]
      .filter(([path, text]) => isTestFile(path, text))
      .map(([path]) => [path, projectsOf(path, projects)] as const)
      .filter(([, matching]) => matching.length !== 1);
    expect(strays).toEqual([]);
  });
});

/** The judge must be able to say no: each sample breaks one rule, and is named with its line. */
describe('the judge', () => {
  const judge = (samples: Record<string, string>) => told(violationsOf(new Map(Object.entries(samples))));
  const KERNEL = { 'src/kernel/ids.ts': 'export const x = 1;' };

  test.each<[string, Record<string, string>, string]>([
    [
      'a lower floor imports a higher one',
      {
        'src/kernel/a.ts': "\nimport { c } from '../domain/ledger/c.ts';",
        'src/domain/ledger/c.ts': 'export const c = 1;',
      },
      'src/kernel/a.ts:2 floor 1 imports floor 3, which is above it',
    ],
    [
      'a type counts, too',
      {
        'src/platform/log/a.ts': "// about\n\nimport type { C } from '../../domain/ledger/c.ts';",
        'src/domain/ledger/c.ts': 'export type C = 1;',
      },
      'src/platform/log/a.ts:3 floor 2 imports floor 3',
    ],
    [
      'a type in the middle of a signature',
      {
        'src/platform/log/a.ts': "let x: import('../../domain/ledger/c.ts').C;",
        'src/domain/ledger/c.ts': 'export type C = 1;',
      },
      'src/platform/log/a.ts:1 floor 2 imports floor 3',
    ],
    [
      'an import hidden in a function',
      {
        'src/domain/ledger/a.ts': "/* é */ export async function f() {\n  await import('../../api/c.ts');\n}",
        'src/api/c.ts': 'export {};',
      },
      'src/domain/ledger/a.ts:2 floor 3 imports floor 4',
    ],
    [
      'a re-export',
      {
        'src/domain/ledger/a.ts': "export const y = 1;\nexport { c } from '../../api/c.ts';",
        'src/api/c.ts': 'export const c = 1;',
      },
      'src/domain/ledger/a.ts:2 floor 3',
    ],
    [
      'a computed import',
      { 'src/kernel/a.ts': 'export const f = (x: string) => import(x);' },
      'src/kernel/a.ts:1 imports what only running it would tell',
    ],
    [
      'a thread of a higher floor',
      {
        'src/platform/log/a.ts': "new URL('../../domain/ledger/c.js', import.meta.url);",
        'src/domain/ledger/c.ts': 'export {};',
      },
      'src/platform/log/a.ts:1 floor 2 imports floor 3',
    ],
    [
      'a platform folder imports one above it',
      {
        'src/platform/clock/a.ts': "import '../queue/c.ts';",
        'src/platform/queue/c.ts': 'export const c = 1;',
      },
      'src/platform/clock/a.ts:1 platform/clock imports platform/queue, which is above it',
    ],
    [
      'a domain folder imports one above it',
      {
        'src/domain/parties/a.ts': "import '../notices/c.ts';",
        'src/domain/notices/c.ts': 'export const c = 1;',
      },
      'src/domain/parties/a.ts:1 domain/parties imports domain/notices, which is above it',
    ],
    [
      'a face imports the other',
      { 'src/api/a.ts': "import '../console/c.tsx';", 'src/console/c.tsx': 'export const c = <b/>;' },
      'src/api/a.ts:1 api imports console, which stands beside it',
    ],
    [
      'a plug-in imports another',
      {
        'src/plugins/actions/wait/a.ts': "import '../escalate/c.ts';",
        'src/plugins/actions/escalate/c.ts': 'export const c = 1;',
      },
      'src/plugins/actions/wait/a.ts:1 plugins/actions/wait imports plugins/actions/escalate, which stands beside it',
    ],
    [
      'a plug-in imports its registry',
      {
        'src/plugins/actions/wait/a.ts': "import '../registry.ts';",
        'src/plugins/actions/registry.ts': 'export const c = 1;',
      },
      'which stands beside it',
    ],
    [
      'a vendor imports a plug-in',
      {
        'src/plugins/vendors/aws/a.ts': "import '../../actions/wait/c.ts';",
        'src/plugins/actions/wait/c.ts': 'export const c = 1;',
      },
      'which stands beside it',
    ],
    [
      'the kernel imports a framework',
      { 'src/kernel/a.ts': "import { Injectable } from '@nestjs/common';\nInjectable();" },
      'src/kernel/a.ts:1 the kernel does not know @nestjs/common',
    ],
    [
      'the verifier imports more than the kernel',
      {
        'src/verify.ts': "#!/usr/bin/env node\nimport './domain/ledger/c.ts';",
        'src/domain/ledger/c.ts': 'export const c = 1;',
      },
      "src/verify.ts:2 the auditor's verifier imports the kernel only",
    ],
    [
      'the verifier imports a package',
      { 'src/verify.ts': "import 'pg';" },
      "src/verify.ts:1 the auditor's verifier",
    ],
    [
      'the application imports the outside world',
      { 'src/main.ts': "import './sandbox/c.ts';", 'src/sandbox/c.ts': 'export const c = 1;' },
      'src/main.ts:1 the outside world is spawned',
    ],
    [
      'the outside world imports the application',
      { 'src/sandbox/a.ts': "import '../kernel/ids.ts';", ...KERNEL },
      'src/sandbox/a.ts:1 the outside world imports nothing',
    ],
    [
      'an entry is imported',
      { 'src/api/a.ts': "import '../main.ts';", 'src/main.ts': 'export const c = 1;' },
      'src/api/a.ts:1 floor 4 imports floor 6',
    ],
    [
      'a circle',
      {
        'src/kernel/a.ts': "export const x = 1;\nimport './b.ts';",
        'src/kernel/b.ts': "import './c.ts';\nexport const y = 1;",
        'src/kernel/c.ts': "import type { x } from './a.ts';\nexport type z = typeof x;",
      },
      'src/kernel/a.ts:2 an import circle of src/kernel/a.ts, src/kernel/b.ts, src/kernel/c.ts',
    ],
    [
      'an import of itself',
      { 'src/kernel/a.ts': "import './a.ts';\nexport const x = 1;" },
      'an import circle of src/kernel/a.ts',
    ],
    ['a barrel by name', { 'src/kernel/index.ts': 'export const x = 1;' }, 'src/kernel/index.ts:1 a barrel'],
    [
      'a barrel by content',
      { 'src/kernel/all.ts': "export * from './ids.ts';", ...KERNEL },
      'src/kernel/all.ts:1 a barrel',
    ],
    [
      'a drawer for everything',
      { 'src/domain/ledger/utils/a.ts': 'export const x = 1;' },
      'src/domain/ledger/utils/a.ts:1 "utils" names no subject',
    ],
    [
      'a file for everything',
      { 'test/support/helpers.ts': 'export const x = 1;' },
      'test/support/helpers.ts:1 "helpers.ts" names no subject',
    ],
    [
      'a room that the house does not have',
      { 'src/domain/payments/a.ts': 'export const x = 1;' },
      'src/domain/payments/a.ts:1 the house has no such room',
    ],
    ['a file between the floors', { 'src/domain/a.ts': 'export const x = 1;' }, 'the house has no such room'],
    [
      'an import of what is not there',
      { 'src/kernel/a.ts': "import './gone.ts';" },
      'src/kernel/a.ts:1 imports src/kernel/gone.ts, which is not there',
    ],
    [
      'an import from the tests',
      { 'src/kernel/a.ts': "import '../../test/support/c.ts';", 'test/support/c.ts': 'export const c = 1;' },
      'src/kernel/a.ts:1 imports test/support/c.ts, which is outside the house',
    ],
    [
      'a migration imported from the domain',
      {
        'src/domain/ledger/a.ts': "import '../../../migrations/c.ts';",
        'migrations/c.ts': 'export const c = 1;',
      },
      'src/domain/ledger/a.ts:1 only the wiring imports migrations',
    ],
    [
      'the environment read',
      { 'src/main.ts': 'const a = 1;\nconst b = process.env.X ?? a;\nexport { b };' },
      'src/main.ts:2 only platform/config knows process.env',
    ],
    [
      'the environment read by name',
      { 'src/main.ts': "export const b = process['env'];" },
      'src/main.ts:1 only platform/config',
    ],
    [
      'the environment taken apart',
      { 'src/main.ts': 'const { env } = process;\nexport { env };' },
      'src/main.ts:1 only platform/config',
    ],
    [
      'the environment imported',
      { 'src/main.ts': "import { env } from 'node:process';\nexport { env };" },
      'src/main.ts:1 only platform/config',
    ],
    [
      'a dialler of its own',
      { 'src/domain/ledger/a.ts': "import { request } from 'undici';\nexport { request };" },
      'src/domain/ledger/a.ts:1 undici dials out',
    ],
    [
      'a socket',
      { 'src/platform/mail/a.ts': "import { connect, isIP } from 'node:net';\nexport { connect, isIP };" },
      'src/platform/mail/a.ts:1 connect of node:net dials out',
    ],
    [
      'a whole module of sockets',
      { 'src/platform/mail/a.ts': "import tls from 'tls';\nexport { tls };" },
      'src/platform/mail/a.ts:1 * of tls dials out',
    ],
    [
      'a name looked up',
      { 'src/platform/mail/a.ts': "export const f = () => import('node:dns/promises');" },
      'src/platform/mail/a.ts:1 * of node:dns/promises dials out',
    ],
    [
      'the global fetch',
      { 'src/domain/ledger/a.ts': "export const f = () =>\n  fetch('http://x');" },
      'src/domain/ledger/a.ts:2 fetch dials out',
    ],
    [
      'the global fetch by its object',
      { 'src/domain/ledger/a.ts': "export const f = () => globalThis.fetch('http://x');" },
      'src/domain/ledger/a.ts:1 fetch dials out',
    ],
    [
      'a rule that asks a service',
      {
        'src/domain/ledger/a.rules.ts': "import { c } from './c.service.ts';\nc();",
        'src/domain/ledger/c.service.ts': 'export const c = () => 1;',
      },
      'src/domain/ledger/a.rules.ts:1 a rule decides by its arguments alone',
    ],
    [
      'a rule that reads a file',
      { 'src/domain/ledger/a.rules.ts': "import { readFileSync } from 'node:fs';\nreadFileSync('x');" },
      'src/domain/ledger/a.rules.ts:1 a rule decides by its arguments alone',
    ],
  ])('%s', (_, samples, expected) => {
    const found = judge(samples);
    expect(found.length).toBe(1);
    expect(found[0]).toContain(expected);
  });

  test('what is allowed passes', () => {
    expect(
      judge({
        ...KERNEL,
        'migrations/index.ts': "export { A } from './a.ts';",
        'migrations/a.ts': 'export class A {}',
        'src/kernel/a.ts':
          "import { createHash } from 'node:crypto';\nimport canonicalize from 'canonicalize';\nimport { x } from './ids.ts';\nexport const y = [createHash, canonicalize, x];",
        'src/kernel/a.spec.ts':
          "import * as fc from 'fast-check';\nimport { test } from '@jest/globals';\nimport { y } from './a.ts';\ntest(String(y), () => fc);",
        'src/platform/config/a.ts': 'export const a = process.env.X;',
        'src/platform/http/a.ts':
          "import { connect } from 'node:net';\nimport { x } from '../../kernel/ids.ts';\nimport { Agent } from 'undici';\nexport { connect, Agent, x };",
        'src/platform/mail/a.ts':
          "import type { Socket } from 'node:net';\nimport { isIP, type TcpSocketConnectOpts } from 'node:net';\nimport { x } from '../http/c.ts';\nexport const f = (s: Socket, o: TcpSocketConnectOpts) => [isIP, x, s, o];",
        'src/platform/http/c.ts': 'export const x = 1;',
        'src/domain/ledger/a.rules.ts':
          "import { z } from 'zod';\nimport type { C } from './contract.ts';\nexport const a = (c: C) => z.string().parse(c);",
        'src/domain/ledger/contract.ts': 'export type C = string;',
        'src/domain/notices/a.ts':
          "import { a } from '../ledger/a.rules.ts';\nexport class B { fetch() { return a('x'); } }\nexport const f = (b: B) => b.fetch();",
        'src/plugins/vendors/aws/a.ts': 'export const c = 1;',
        'src/plugins/actions/wait/a.ts': "import { c } from '../../vendors/aws/a.ts';\nexport const d = c;",
        'src/plugins/actions/registry.ts': "import { d } from './wait/a.ts';\nexport const all = [d];",
        'src/data-source.ts': "import * as m from '../migrations/index.ts';\nexport { m };",
        'src/cli.ts': "export const world = new URL('./sandbox/main.js', import.meta.url);",
        'src/sandbox/main.ts': "import { request } from 'node:http';\nrequest(process.env.URL!);",
        'src/verify.ts':
          "import { x } from './kernel/ids.ts';\nimport { open } from 'node:fs/promises';\nexport { x, open };",
      }),
    ).toEqual([]);
  });

  test('both orders name every folder once', () => {
    for (const order of [PLATFORM, DOMAIN]) expect(new Set(order).size).toBe(order.length);
    expect([PLATFORM.at(0), PLATFORM.at(-1), DOMAIN.at(0), DOMAIN.at(-1)]).toEqual([
      'config',
      'health',
      'ledger',
      'evidence',
    ]);
    expect(placeOf('src/domain/ledger/a.ts')).toEqual({ floor: 3, unit: 'ledger', kind: 'domain' });
  });

  test('a file of tests that no project takes, or two, is found', () => {
    const projects: Project[] = [
      { name: 'one', testMatch: ['<rootDir>/src/**/*.spec.ts?(x)'] },
      {
        name: 'two',
        testMatch: ['<rootDir>/test/{flows,faults}/**/*.{flow,fault}.ts', '<rootDir>/src/a.spec.ts'],
      },
    ];
    expect(projectsOf('src/a/b.spec.tsx', projects)).toEqual(['one']);
    expect(projectsOf('src/a.spec.ts', projects)).toEqual(['one', 'two']);
    expect(projectsOf('test/flows/deep/er/a.flow.ts', projects)).toEqual(['two']);
    expect(projectsOf('test/flows/a.flow.tsx', projects)).toEqual([]);
    expect(projectsOf('test/stories/a.flow.ts', projects)).toEqual([]);
    expect(() => projectsOf('x', [{ name: 'odd', testMatch: ['src/[ab].ts'] }])).toThrow('cannot be read');
    for (const path of ['test/flows/a.flow.ts', 'src/a.spec.tsx', 'bench/a.test.ts'])
      expect(isTestFile(path, '')).toBe(true);
    expect(isTestFile('test/stray.ts', "import { test } from '@jest/globals';\ntest('x', () => {});")).toBe(
      true,
    );
    expect(
      isTestFile('test/pages/scene.ts', "import { expect } from '@jest/globals';\nexport { expect };"),
    ).toBe(false);
    expect(isTestFile('src/console/a.page.ts', 'export const x = 1;')).toBe(false);
  });
});

function told(violations: readonly Violation[]): string[] {
  return violations.map(({ at, says }) => `${at} ${says}`);
}

/** Whatever is named like a test, or holds one. */
function isTestFile(path: string, text: string): boolean {
  if (/\.(spec|test|flow|contract|fault)\.tsx?$/.test(path)) return true;
  return readSource(path, text).imports.some(
    ({ specifier, names }) =>
      specifier === '@jest/globals' && names.some((name) => ['test', 'it', 'describe', '*'].includes(name)),
  );
}

/** All TypeScript of the repository, by its path. */
function sourceFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const top of TOP) {
    for (const entry of readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.tsx?$/.test(entry.name) || path.includes(`${sep}node_modules${sep}`))
        continue;
      files.set(relative(ROOT, path).split(sep).join('/'), readFileSync(path, 'utf8'));
    }
  }
  return files;
}

/** The projects of both kinds of run. A process of its own reads them, as the configuration looks at the environment. */
function allProjects(): Project[] {
  const script = `import('./jest.config.mjs').then(({ default: c }) => console.log(JSON.stringify(c.projects.map((p) => ({ name: p.displayName, testMatch: p.testMatch })))))`;
  return ['', '1'].flatMap(
    (browser) =>
      JSON.parse(
        execFileSync(process.execPath, ['-e', script], {
          cwd: ROOT,
          encoding: 'utf8',
          env: { ...process.env, COUNTERSIGN_TEST_BROWSER: browser },
        }),
      ) as Project[],
  );
}
