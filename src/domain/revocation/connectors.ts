import { refusal, type Refusal } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Connector } from './connector.ts';
import { presetSchema, type Preset } from './preset.schema.ts';

/** A preset whose settings its connector has accepted. */
export interface CheckedPreset {
  preset: Preset;
  connector: Connector;
  settings: unknown;
}

/** Every connector that is switched on, by key. */
export class Connectors {
  readonly #byKey: ReadonlyMap<string, Connector>;

  /** @throws Error when two have one key. */
  constructor(connectors: readonly Connector[]) {
    this.#byKey = new Map(connectors.map((connector) => [connector.key, connector]));
    if (this.#byKey.size !== connectors.length) throw new Error('two connectors have the same key');
  }

  get(key: string): Connector | undefined {
    return this.#byKey.get(key);
  }

  all(): Connector[] {
    return [...this.#byKey.values()];
  }

  /** Checks a preset as a whole: its own form, and its settings against the connector that it names. */
  check(document: unknown): Result<CheckedPreset, Refusal> {
    const parsed = presetSchema.safeParse(document);
    if (!parsed.success) return err(invalid(parsed.error.issues, ''));
    const preset = parsed.data;
    const connector = this.#byKey.get(preset.connector);
    if (!connector) {
      return err(
        refusal('invalid', 'unknown-connector', `There is no connector ${preset.connector}.`, {
          fields: [
            {
              field: '/connector',
              problem: 'is not known here',
              mend: `Name one of ${[...this.#byKey.keys()].join(', ')}.`,
            },
          ],
        }),
      );
    }
    const settings = connector.settings.safeParse(preset.settings);
    if (!settings.success) return err(invalid(settings.error.issues, '/settings'));
    return ok({ preset, connector, settings: settings.data });
  }
}

function invalid(issues: readonly { path: PropertyKey[]; message: string }[], under: string): Refusal {
  return refusal('invalid', 'bad-preset', 'The connector preset is not well-formed.', {
    fields: issues.slice(0, 20).map((issue) => ({
      field: `${under}${issue.path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`,
      problem: issue.message,
      mend: 'Write it as the presets in templates/connectors do.',
    })),
  });
}
