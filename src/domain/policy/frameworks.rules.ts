/**
 * The controls that findings refer to, by their exact ids. OWASP Non-Human Identities Top 10 (2025), NIST CSF 2.0,
 * ISO/IEC 27001:2022 Annex A, SOC 2 (Trust Services Criteria 2017 with the points of focus of 2022), DORA
 * (Regulation (EU) 2022/2554, by article). NIST's PR.AC-4 is of CSF 1.1 and stands nowhere here.
 */
const CONTROLS = {
  'OWASP NHI 2025': [
    'NHI1:2025',
    'NHI2:2025',
    'NHI3:2025',
    'NHI4:2025',
    'NHI5:2025',
    'NHI6:2025',
    'NHI7:2025',
    'NHI8:2025',
    'NHI9:2025',
    'NHI10:2025',
  ],
  'NIST CSF 2.0': [
    'GV.RR-02',
    'GV.SC-02',
    'GV.SC-04',
    'GV.SC-05',
    'GV.SC-06',
    'GV.SC-07',
    'GV.SC-08',
    'GV.SC-10',
    'ID.AM-04',
    'PR.AA-01',
    'PR.AA-03',
    'PR.AA-05',
    'RS.MA-01',
    'RS.CO-02',
    'RS.CO-03',
    'RS.MI-01',
    'RS.MI-02',
  ],
  'ISO/IEC 27001:2022': ['5.16', '5.17', '5.18', '5.19', '5.20', '5.21', '5.22', '5.23', '5.24', '5.26'],
  'SOC 2': ['CC2.3', 'CC6.1', 'CC6.2', 'CC6.3', 'CC7.3', 'CC7.4', 'CC7.5', 'CC9.2'],
  DORA: ['28(1)(a)', '28(3)', '28(8)', '29(2)', '30(1)', '30(2)(f)', '30(2)(h)', '30(3)(b)', '30(3)(f)'],
} as const;

export type Framework = keyof typeof CONTROLS;
export type ControlId = (typeof CONTROLS)[Framework][number];

export interface FrameworkReference {
  framework: Framework;
  id: ControlId;
}

const FRAMEWORK_OF: ReadonlyMap<string, Framework> = new Map(
  Object.entries(CONTROLS).flatMap(([framework, ids]) => ids.map((id) => [id, framework as Framework])),
);

/** References in the order given. The ids are checked by the compiler. */
export function controls(...ids: readonly ControlId[]): readonly FrameworkReference[] {
  return ids.map((id) => ({ framework: FRAMEWORK_OF.get(id)!, id }));
}

/** The same for an id that somebody wrote into a policy; undefined when no framework has it. */
export function controlOf(id: string): FrameworkReference | undefined {
  const framework = FRAMEWORK_OF.get(id);
  return framework && { framework, id: id as ControlId };
}
