import type { Action } from './action.ts';
import type { Installed } from './check.rules.ts';
import type { Selector } from './selector.ts';

/** The installed actions by name. A provider, filled from `plugins/actions/registry.ts`. */
export class Actions {
  readonly #byName: ReadonlyMap<string, Action>;

  /** @throws Error when two actions share a name: our bug, at boot. */
  constructor(actions: readonly Action[]) {
    this.#byName = named('actions', actions);
  }

  get(name: string): Action | undefined {
    return this.#byName.get(name);
  }

  names(): string[] {
    return [...this.#byName.keys()].sort();
  }
}

/** The installed selectors by name. A provider, filled from `plugins/selectors/registry.ts`. */
export class Selectors {
  readonly #byName: ReadonlyMap<string, Selector>;

  constructor(selectors: readonly Selector[]) {
    this.#byName = named('selectors', selectors);
  }

  get(name: string): Selector | undefined {
    return this.#byName.get(name);
  }

  names(): string[] {
    return [...this.#byName.keys()].sort();
  }
}

function named<T extends { name: string }>(what: string, list: readonly T[]): Map<string, T> {
  const byName = new Map(list.map((one) => [one.name, one]));
  if (byName.size < list.length) {
    const twice = list.find((one, at) => list.findIndex((other) => other.name === one.name) !== at);
    throw new Error(`two ${what} are named ${twice?.name ?? ''}`);
  }
  return byName;
}

/** What a runbook may name here. */
export function installedOf(actions: Actions, selectors: Selectors): Installed {
  return {
    action: (name) => actions.get(name),
    actionNames: () => actions.names(),
    hasSelector: (name) => selectors.get(name) !== undefined,
    selectorNames: () => selectors.names(),
  };
}
