import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, type Result } from '../../kernel/result.ts';
import { may } from '../../domain/access/permissions.ts';
import { listSteps } from '../../domain/runbooks/steps.queries.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { enterVersionSchema, type RotationView } from '../../domain/rotation/rotation.schema.ts';
import { findRotation } from '../../domain/rotation/rotations.queries.ts';
import { RotationsService } from '../../domain/rotation/rotations.service.ts';
import { RotationWords } from '../../domain/rotation/rotation-words.service.ts';
import { instantIn } from '../../kernel/calendar.ts';
import { iso } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { askedOf } from '../runbooks/work.queries.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import type { Flash } from '../shared/frame.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { RotationPageView } from './rotation.view.tsx';

const name = { schema: reference };
const place = { schema: z.uuid() };
const reason = z.string().trim().min(1, 'Say why.').max(1000);
const acts = z.object({ reason });
const note = z.object({ note: z.string().trim().min(1, 'Say how you know.').max(1000) });
const empty = (most: number) =>
  z
    .string()
    .max(most)
    .transform((text) => (text.trim() === '' ? undefined : text));
const version = z
  .object({
    supplierId: empty(500),
    expires: empty(40),
    value: empty(65_536),
    sha256: empty(64),
  })
  .transform(({ expires, ...said }, context) => {
    const at = expires === undefined ? undefined : instantIn(expires, 'UTC');
    if (expires !== undefined && at === undefined) {
      context.addIssue({ code: 'custom', path: ['expires'], message: 'This is no date and time.' });
      return z.NEVER;
    }
    const given = Object.fromEntries(Object.entries(said).filter(([, text]) => text !== undefined));
    const read = enterVersionSchema.safeParse(at === undefined ? given : { ...given, expiresAt: iso(at) });
    if (read.success) return read.data;
    for (const { path, message } of read.error.issues)
      context.addIssue({ code: 'custom', path, message: `This ${message}.` });
    return z.NEVER;
  });
const lost = z.object({
  made: z.enum(['yes', 'no'], 'Choose one.'),
  supplierId: empty(500),
  note: note.shape.note,
});
const answers = z.object({
  state: z.enum(['holds_new', 'left', 'taken_back'], 'Choose one.'),
  note: z.string().trim().max(1000).default(''),
});

/** The forms of the page; each answer to one of them goes to the address of its name. */
const FORMS = ['cut-early', 'roll-back', 'stop', 'version', 'works', 'lost-answer'] as const;
type FormName = (typeof FORMS)[number];
const formName = { schema: z.enum(FORMS) };

/** What somebody sent with a form, done to a rotation; or what to say beside each field. */
type Act = (id: Id, body: unknown, by: Principal) => Promise<Result<unknown, FormProblems>>;

function act<S>(
  schema: z.ZodType<S>,
  work: (id: Id, said: S, by: Principal) => Promise<Result<unknown, Refusal>>,
): Act {
  return async (id, body, by) => {
    const read = readForm(schema, body);
    if (!read.ok) return read;
    const done = await work(id, read.value, by);
    if (done.ok) return done;
    const { expiresAt, ...problems } = problemsOf(done.error.message, done.error.fields);
    return err(expiresAt === undefined ? problems : { ...problems, expires: expiresAt });
  };
}

/** One rotation: where it stands, which places are left, and what may be done. */
@ConsolePage()
export class RotationPage {
  readonly #acts: Readonly<Record<FormName, { act: Act; flash: Flash }>>;

  constructor(
    private readonly transactions: Transactions,
    rotations: RotationsService,
    private readonly words: RotationWords,
  ) {
    this.#acts = {
      'cut-early': {
        act: act(acts, (id, said, by) => rotations.cutEarly(id, { ...said, by })),
        flash: { tone: 'wait', text: 'The overlap is over. The old version is revoked next.' },
      },
      'roll-back': {
        act: act(acts, (id, said, by) => rotations.rollBack(id, { ...said, by })),
        flash: { tone: 'wait', text: 'It is being rolled back. The old version stays.' },
      },
      stop: {
        act: act(acts, (id, said, by) => rotations.stop(id, { ...said, by })),
        flash: { tone: 'live', text: 'It is stopped. What lives, lives on.' },
      },
      version: {
        act: act(version, (id, said, by) => words.enterVersion(id, said, by)),
        flash: { tone: 'dead', text: 'The new version is on record.' },
      },
      works: {
        act: act(note, (id, said, by) => words.confirmWorks(id, said, by)),
        flash: { tone: 'dead', text: 'Noted: the new version works.' },
      },
      'lost-answer': {
        act: act(lost, (id, { made, ...said }, by) =>
          words.settleLost(id, { ...said, made: made === 'yes' }, by),
        ),
        flash: { tone: 'wait', text: 'Noted. The rotation goes on.' },
      },
    };
  }

  @Get('rotations/:reference')
  @Permission('rotations:read', { face: 'console' })
  async show(@Param('reference', name) rotation: string, @By() by: Principal): Promise<Answer> {
    const view = await this.#find(rotation, by);
    const runId = view.rollBackRunId ?? view.runId;
    const waits = await this.transactions.run(by, async (db) => {
      const seen = runId !== null && may(by, 'runs:read') && view.closedAt === null;
      const steps = seen ? await listSteps(db, { runId, states: ['parked'], limit: 20 }) : [];
      return { steps, asked: await askedOf(db, steps) };
    });
    return shows((frame) => RotationPageView({ frame, rotation: view, waits }));
  }

  @Post('rotations/:reference/:form')
  @Permission('rotations:operate', { face: 'console' })
  act(
    @Param('reference', name) rotation: string,
    @Param('form', formName) form: FormName,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#answer(rotation, form, this.#acts[form], body, by);
  }

  @Post('rotations/:reference/places/:location')
  @Permission('rotations:operate', { face: 'console' })
  answerPlace(
    @Param('reference', name) rotation: string,
    @Param('location', place) location: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const said = act(answers, (id, answer) => this.words.answerPlace(id, location, answer, by));
    return this.#answer(rotation, location, { act: said, flash: { tone: 'dead', text: 'Noted.' } }, body, by);
  }

  async #answer(
    rotation: string,
    form: string,
    asked: { act: Act; flash: Flash },
    body: unknown,
    by: Principal,
  ): Promise<Answer> {
    const found = await this.#find(rotation, by);
    const done = await asked.act(found.id, body, by);
    if (done.ok) return goes(`/rotations/${rotation}`, asked.flash);
    // What was typed as a value is never shown again.
    const { value: _value, ...typed } = typedIn(body);
    const view = await this.#find(rotation, by);
    return shows(
      (frame) => RotationPageView({ frame, rotation: view, refused: { form, problems: done.error, typed } }),
      422,
    );
  }

  async #find(rotation: string, by: Principal): Promise<RotationView> {
    const view = await this.transactions.run(by, (db) => findRotation(db, { reference: rotation }));
    if (!view) throw new Refused(refusal('not_found', 'not-found', 'There is no such rotation.'));
    return view;
  }
}
