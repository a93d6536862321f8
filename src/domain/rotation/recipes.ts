import { Injectable } from '@nestjs/common';
import type { Millis } from '../../kernel/time.ts';
import type { Abilities } from '../revocation/connector.ts';
import { parseDuration, type Definition } from '../runbooks/definition.schema.ts';
import { Runbooks } from '../runbooks/runbooks.service.ts';
import { makingSchema, overlapSchema } from './recipe.schema.ts';
import type { OldFate } from './rotation.rules.ts';

/** One way to rotate, as a runbook has it. */
export interface Recipe {
  /** Of the runbook. */
  key: string;
  title: string;
  madeBy: 'machine' | 'person';
  oldFate: OldFate;
  kinds: readonly string[];
  says: string;
  overlap: { length: Millis; most: Millis };
}

export const MAKES = 'create-version';
export const HOLDS = 'hold-overlap';

/** The recipes of this installation: each runbook that makes a version. */
@Injectable()
export class Recipes {
  constructor(private readonly runbooks: Runbooks) {}

  all(): Recipe[] {
    return this.runbooks
      .all()
      .filter(({ definition }) => !definition.draft)
      .flatMap(({ definition }) => recipeOf(definition) ?? []);
  }

  get(key: string): Recipe | undefined {
    return this.all().find((recipe) => recipe.key === key);
  }

  /**
   * The recipe for a kind of credential, by what its supplier can do by machine: one that is meant for the kind before one
   * for all, a machine before a person.
   */
  fitting(kind: string, issue: Abilities['issue']): Recipe | undefined {
    const able = this.all().filter(
      ({ madeBy, oldFate }) =>
        madeBy === 'person' || (oldFate === 'stays' ? issue === 'adds' : issue === 'replaces'),
    );
    const meant = able.filter(({ kinds }) => kinds.includes(kind));
    const open = meant.length > 0 ? meant : able.filter(({ kinds }) => kinds.length === 0);
    return open.find(({ madeBy }) => madeBy === 'machine') ?? open.find(({ oldFate }) => oldFate === 'stays');
  }
}

/** Whether a recipe may rotate credentials of a kind. */
export function fitsKind({ kinds }: Pick<Recipe, 'kinds'>, kind: string): boolean {
  return kinds.length === 0 || kinds.includes(kind);
}

/** @returns undefined for a runbook that is no recipe */
export function recipeOf(definition: Definition): Recipe | undefined {
  const makes = definition.steps.find(({ uses }) => uses === MAKES);
  if (!makes) return undefined;
  // A rotation's id is known only when it runs.
  const known = { rotationId: '00000000-0000-7000-8000-000000000000' };
  const making = makingSchema.parse({ ...makes.with, ...known });
  const holds = definition.steps.find(({ uses }) => uses === HOLDS);
  const overlap = holds && overlapSchema.parse({ ...holds.with, ...known });
  return {
    key: definition.id,
    title: definition.title,
    madeBy: making.by,
    oldFate: making.old,
    kinds: making.kinds,
    says: making.says,
    overlap: overlap
      ? { length: parseDuration(overlap.for)!, most: parseDuration(overlap.most)! }
      : { length: 0, most: 0 },
  };
}
