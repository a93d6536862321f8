import { RULES } from './rules/registry.ts';
import type { FindingView } from './gate.schema.ts';
import type { Severity } from './policy.schema.ts';

/** What the gate said of one integration, for people and for the tools of a pipeline. */
export interface GateReport {
  integration: { id: string; reference: string; name: string };
  verdict: 'pass' | 'refused';
  findings: readonly FindingView[];
  policy: { name: string; version: number; hash: string };
  /** What a declared attestation has to name. */
  matrixHash: string | null;
  evidence: readonly { kind: string; id: string; origin: 'recorded' | 'declared' }[];
}

/** Where a subject stands in a file. */
export interface Place {
  /** Relative, with slashes. */
  file: string;
  /** Counted from 1. */
  lineOf(finding: FindingView, report: GateReport): number;
}

export const REPORT_FORMATS = ['text', 'json', 'sarif', 'junit'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export function renderReport(reports: readonly GateReport[], format: ReportFormat, place?: Place): string {
  switch (format) {
    case 'text':
      return reports.map(text).join('\n\n');
    case 'json':
      return JSON.stringify(json(reports), null, 2);
    case 'sarif':
      return JSON.stringify(sarif(reports, place), null, 2);
    case 'junit':
      return junit(reports);
  }
}

const blocks = (finding: FindingView) => finding.severity !== 'warning' && finding.exception === null;

function text(report: GateReport): string {
  const { integration, policy, findings } = report;
  const blocking = findings.filter(blocks).length;
  const declared = report.evidence.filter(({ origin }) => origin === 'declared').length;
  const head =
    report.verdict === 'pass'
      ? `PASS     ${integration.name} (${integration.reference}) may go live`
      : `REFUSED  ${integration.name} (${integration.reference}): ${blocking} ${blocking === 1 ? 'finding keeps' : 'findings keep'} it out`;
  const lines = findings.flatMap((one) => [
    '',
    `  ${(one.exception ? 'excepted' : one.severity).padEnd(9)}${one.rule}: ${one.message}`,
    ...(one.places ?? []).map(({ where, says }) => `           ${where}: ${says}`),
    `           ${one.mend}`,
    `           ${one.frameworks.map(({ framework, id }) => `${framework} ${id}`).join(', ')}`,
  ]);
  return [
    head,
    `         policy ${policy.name} version ${policy.version} (${policy.hash.slice(0, 12)})`,
    `         matrix ${report.matrixHash ?? 'none'}`,
    ...(declared > 0
      ? [`         ${declared} pieces of evidence are only declared; the server takes none of them`]
      : []),
    ...lines,
  ].join('\n');
}

function json(reports: readonly GateReport[]) {
  return {
    verdict: reports.every(({ verdict }) => verdict === 'pass') ? 'pass' : 'refused',
    findings: reports.flatMap(({ integration, findings }) =>
      findings.map((one) => ({ ...one, integration: integration.reference })),
    ),
    integrations: reports.map(({ findings, ...report }) => ({
      ...report,
      blocking: findings.filter(blocks).length,
    })),
  };
}

const LEVELS: Record<Severity, 'error' | 'warning'> = {
  critical: 'error',
  high: 'error',
  warning: 'warning',
};

/** SARIF 2.1.0 (OASIS). An excepted finding is a suppressed result. */
function sarif(reports: readonly GateReport[], place: Place | undefined) {
  const used = [...new Set(reports.flatMap(({ findings }) => findings.map(({ rule }) => rule)))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'countersign gate',
            rules: used.map((id) => {
              const sample = reports.flatMap(({ findings }) => findings).find(({ rule }) => rule === id)!;
              return {
                id,
                name: pascalCase(id),
                shortDescription: { text: RULES.find(({ name }) => name === id)?.title ?? id },
                defaultConfiguration: { level: LEVELS[sample.severity] },
                properties: {
                  tags: [...new Set(sample.frameworks.map((one) => `${one.framework} ${one.id}`))],
                },
              };
            }),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: reports.flatMap((report) =>
          report.findings.map((one) => ({
            ruleId: one.rule,
            ruleIndex: used.indexOf(one.rule),
            level: LEVELS[one.severity],
            message: { text: `${one.message} ${one.mend}` },
            locations: [
              {
                ...(place
                  ? {
                      physicalLocation: {
                        artifactLocation: { uri: uriOf(place.file) },
                        region: { startLine: place.lineOf(one, report) },
                      },
                    }
                  : {}),
                logicalLocations: [
                  {
                    name: one.subject.name,
                    fullyQualifiedName: `${report.integration.reference}/${one.subject.kind}/${one.subject.id}`,
                    kind: 'resource',
                  },
                ],
              },
            ],
            partialFingerprints: {
              'countersign/v1': `${report.integration.id} ${one.rule} ${one.subject.kind} ${one.subject.id}`,
            },
            ...(one.exception
              ? {
                  suppressions: [
                    {
                      kind: 'external',
                      justification: `Exception ${one.exception.id}, until ${one.exception.expiresAt}`,
                    },
                  ],
                }
              : {}),
          })),
        ),
      },
    ],
  };
}

/** The name of a rule beside its id, as one identifier: `allowed-stores` is AllowedStores. */
function pascalCase(rule: string): string {
  return rule
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** A relative reference (RFC 3986 section 4.2): what is no part of a path's syntax is escaped, a colon among it. */
function uriOf(file: string): string {
  return file.toWellFormed().split('/').map(encodeURIComponent).join('/');
}

/** JUnit XML as CI systems read it: a suite for each integration, a test for each rule. */
function junit(reports: readonly GateReport[]): string {
  const suites = reports.map((report) => {
    const rules = [
      ...new Set([...RULES.map(({ name }) => name), ...report.findings.map(({ rule }) => rule)]),
    ];
    const cases = rules.map((rule) => {
      const found = report.findings.filter((one) => one.rule === rule);
      const blocking = found.filter(blocks);
      const rest = found.filter((one) => !blocks(one));
      const name = `<testcase classname="${xml(`gate.${report.integration.reference}`)}" name="${xml(rule)}">`;
      const failures = blocking.map(
        (one) =>
          `<failure message="${xml(one.message)}" type="${one.severity}">${xml(`${one.subject.kind} ${one.subject.name}: ${one.message} ${one.mend}`)}</failure>`,
      );
      // Of a test that failed, the reports of CI systems show one body; the others stand in it.
      const failure =
        failures.length > 1
          ? [
              `<failure message="${xml(`${blocking.length} findings`)}" type="${blocking[0]!.severity}">${xml(blocking.map((one) => `${one.subject.name}: ${one.message} ${one.mend}`).join('\n'))}</failure>`,
            ]
          : failures;
      const said =
        rest.length > 0
          ? [
              `<system-out>${xml(rest.map((one) => `${one.exception ? 'excepted' : 'warning'}: ${one.message} ${one.mend}`).join('\n'))}</system-out>`,
            ]
          : [];
      return { failed: blocking.length > 0, line: `    ${name}${[...failure, ...said].join('')}</testcase>` };
    });
    const failed = cases.filter((one) => one.failed).length;
    return {
      tests: cases.length,
      failed,
      text: `  <testsuite name="${xml(`${report.integration.name} (${report.policy.name})`)}" tests="${cases.length}" failures="${failed}" errors="0" skipped="0">\n${cases.map(({ line }) => line).join('\n')}\n  </testsuite>`,
    };
  });
  const sum = (of: 'tests' | 'failed') => suites.reduce((total, one) => total + one[of], 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="countersign gate" tests="${sum('tests')}" failures="${sum('failed')}" errors="0">`,
    ...suites.map((one) => one.text),
    '</testsuites>',
  ].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Characters that XML 1.0 does not know are left out. */
function xml(value: string): string {
  return value
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!);
}
