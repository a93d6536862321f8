import { Refused, errorText, type FieldProblem } from '../kernel/errors.ts';
import { parseConfig, type Config } from '../platform/config/config.ts';
import { environment } from '../platform/config/environment.ts';
import { unknownVariables } from '../platform/config/unknown-variables.ts';
import { KeyProblem } from '../platform/signing/key-file.ts';

/** Configuration that cannot be used. */
class BadConfiguration extends Error {
  constructor(readonly problems: readonly FieldProblem[]) {
    super('the configuration cannot be used');
  }
}

/** @throws BadConfiguration with every bad variable. */
export function configured(env: NodeJS.ProcessEnv = environment()): Config {
  warnOfUnknown(env);
  const parsed = parseConfig(env);
  if (parsed.ok) return parsed.value;
  throw new BadConfiguration(parsed.error);
}

/** On standard error, since a command's output is its answer and the server's is its log. */
function warnOfUnknown(env: NodeJS.ProcessEnv): void {
  for (const { name, nearest } of unknownVariables(env)) {
    const mend = nearest === undefined ? 'Unset it.' : `Did you mean ${nearest}?`;
    process.stderr.write(`countersign: warning: nothing reads the variable ${name}. ${mend}\n`);
  }
}

/**
 * Says on standard error what went wrong and how to mend it; no stack, which helps nobody who cannot change the code.
 *
 * @returns the exit status: 2 for what was given wrongly, 1 for what could not be done
 */
export function reportFailure(thrown: unknown): number {
  const { lines, status } = failureOf(thrown);
  for (const line of lines.flatMap((text) => text.split('\n')))
    process.stderr.write(`countersign: ${line}\n`);
  return status;
}

function failureOf(thrown: unknown): { lines: string[]; status: 1 | 2 } {
  if (thrown instanceof BadConfiguration) {
    return {
      lines: thrown.problems.map(({ field, problem, mend }) => `${field}: ${problem}. ${mend}`),
      status: 2,
    };
  }
  if (thrown instanceof KeyProblem) return { lines: [thrown.message], status: 1 };
  if (thrown instanceof Refused) {
    const { message, fields = [], kind } = thrown.refusal;
    const told = fields
      .filter(({ mend }) => !message.includes(mend))
      .map(({ field, problem, mend, line }) => {
        const where = [line === undefined ? '' : `line ${line}`, field].filter(Boolean).join(', ');
        return `  ${where && `${where}: `}${problem}. ${mend}`;
      });
    return { lines: [message, ...told], status: kind === 'invalid' ? 2 : 1 };
  }
  return { lines: [errorText(thrown)], status: 1 };
}
