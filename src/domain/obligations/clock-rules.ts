import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { clockFileSchema, type ClockRule } from './clock-rule.schema.ts';
import { isInForce } from './clock.rules.ts';

/**
 * The clocks of laws and industries, `templates/clocks/*.yaml`: data with source, date and version, never constants.
 * Operators may add files. A law that changes is a second version of the same id with a first day of its own.
 */
export class ClockRules {
  private constructor(private readonly kept: readonly ClockRule[]) {}

  /** @throws Error naming file and field when one of them is not as it must be: boot stops */
  static read(folder: string): ClockRules {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort();
    const kept = files.flatMap((file) => readClockFile(readFileSync(join(folder, file), 'utf8'), file));
    for (const [at, one] of kept.entries())
      if (kept.slice(0, at).some((other) => other.id === one.id && overlap(one, other)))
        throw new Error(`templates/clocks: two versions of "${one.id}" are in force at once`);
    return new ClockRules(kept);
  }

  /** Each id once, in the order of the files, as of a day. */
  list(day: string): ClockRule[] {
    return [...new Set(this.kept.map(({ id }) => id))].map((id) => this.find(id, day)!);
  }

  /**
   * The version in force on a day, `2026-11-22`. Where none is: the next that will be, or else the last that was, so that
   * who asks learns why no clock runs.
   */
  find(id: string, day: string): ClockRule | undefined {
    const versions = this.kept.filter((rule) => rule.id === id);
    return (
      versions.find((rule) => isInForce(rule, day)) ??
      versions.find((rule) => rule.from !== null && rule.from > day) ??
      versions.at(-1)
    );
  }
}

function overlap(a: ClockRule, b: ClockRule): boolean {
  const from = (rule: ClockRule) => (rule.from === 'unknown' || rule.from === null ? '' : rule.from);
  const until = (rule: ClockRule) => rule.until ?? '9999-12-31';
  return from(a) <= until(b) && from(b) <= until(a);
}

/** @throws Error naming the file and what is wrong with it */
export function readClockFile(text: string, file: string): ClockRule[] {
  const read = clockFileSchema.safeParse(
    parse(text, { version: '1.2', schema: 'core', uniqueKeys: true, maxAliasCount: 0 }),
  );
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new Error(`templates/clocks/${file}: ${issue?.path.join('.')} ${issue?.message}`);
  }
  const { asOf, rules } = read.data;
  return rules.map((rule) => ({ ...rule, asOf, version: `${rule.id} ${asOf}` }));
}
