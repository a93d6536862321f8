import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { iso, type Millis } from '../../kernel/time.ts';
import type { DraftTerm } from './draft.schema.ts';
import { termFileSchema, type TermTemplate } from './term-template.schema.ts';

type Kept = Omit<TermTemplate, 'inForce'>;

/**
 * Windows of laws and industries, `templates/terms/*.yaml`: data with its source and date, never constants. Operators may
 * add files. A template is a proposal: a term made from it is the agreement's own, and says where it came from.
 */
export class TermTemplates {
  private constructor(private readonly kept: readonly Kept[]) {}

  /** @throws Error naming file and field when one of them is not as it must be: boot stops */
  static read(folder: string): TermTemplates {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort();
    const kept = files.flatMap((file) => readTermFile(readFileSync(join(folder, file), 'utf8'), file));
    const ids = new Set<string>();
    for (const { id } of kept) {
      if (ids.has(id)) throw new Error(`templates/terms: the id "${id}" stands twice`);
      ids.add(id);
    }
    for (const { id, after } of kept)
      if (after !== undefined && !ids.has(after))
        throw new Error(`templates/terms: "${id}" comes after "${after}", which is not there`);
    return new TermTemplates(kept);
  }

  /** In the order of their files. */
  list(now: Millis): TermTemplate[] {
    const day = iso(now).slice(0, 10);
    return this.kept.map((template) => ({
      ...template,
      inForce:
        template.inForceFrom !== null &&
        (template.inForceFrom === 'unknown' || template.inForceFrom <= day) &&
        (template.inForceUntil === null || day <= template.inForceUntil),
    }));
  }

  find(id: string, now: Millis): TermTemplate | undefined {
    return this.list(now).find((template) => template.id === id);
  }
}

/** @throws Error naming the file and what is wrong with it */
export function readTermFile(text: string, file: string): Kept[] {
  const read = termFileSchema.safeParse(parse(text));
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new Error(`templates/terms/${file}: ${issue?.path.join('.')} ${issue?.message}`);
  }
  const { asOf, terms } = read.data;
  return terms.map((term) => ({ ...term, asOf, ruleVersion: `${term.id} ${asOf}`.slice(0, 60) }));
}

/** A term as a template proposes it; whom it names is left to the agreement. */
export function termFrom(template: TermTemplate, direction: DraftTerm['direction']): DraftTerm {
  return {
    name: template.title.slice(0, 200),
    direction,
    trigger: template.trigger,
    startEvent: template.startEvent,
    window: template.window,
    zone: template.zone ?? 'UTC',
    calendar: null,
    warnPercent: 50,
    escalatePercent: 80,
    recipients: [],
    fallbackRecipients: [],
    fulfilledBy: 'accepted_by_peer',
    language: 'en',
    category: 'exposure',
    ruleVersion: template.ruleVersion,
  };
}
