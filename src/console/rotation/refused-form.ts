import type { FormProblems } from '../shared/forms.tsx';

/** Which form of the page was refused, and what was typed. */
export interface RefusedForm {
  form: string;
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}
