import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import type { RotationView } from '../../domain/rotation/rotation.schema.ts';
import { findRotation } from '../../domain/rotation/rotations.queries.ts';
import { RotationsService } from '../../domain/rotation/rotations.service.ts';
import { RotationWords } from '../../domain/rotation/rotation-words.service.ts';
import { instantIn } from '../../kernel/calendar.ts';
import { iso } from '../../kernel/time.ts';
import { Transactions } from '../../platform/database/transactions.ts';
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
const version = z.object({
  supplierId: empty(500),
  expires: empty(40).refine(
    (text) => text === undefined || instantIn(text, 'UTC') !== undefined,
    'This is no date and time.',
  ),
  value: empty(65_536),
  sha256: empty(64).refine(
    (text) => text === undefined || /^[0-9a-f]{64}$/.test(text),
    'A SHA-256 has 64 digits 0-9 and a-f.',
  ),
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

/** One rotation: where it stands, which places are left, and what may be done. */
@ConsolePage()
export class RotationPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly rotations: RotationsService,
    private readonly words: RotationWords,
  ) {}

  @Get('rotations/:reference')
  @Permission('rotations:read', { face: 'console' })
  async show(@Param('reference', name) rotation: string, @By() by: Principal): Promise<Answer> {
    const view = await this.#find(rotation, by);
    return shows((frame) => RotationPageView({ frame, rotation: view }));
  }

  @Post('rotations/:reference/cut-early')
  @Permission('rotations:operate', { face: 'console' })
  cutEarly(
    @Param('reference', name) rotation: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      rotation,
      'cut-early',
      acts,
      body,
      by,
      (id, said) => this.rotations.cutEarly(id, { ...said, by }),
      {
        tone: 'wait',
        text: 'The overlap is over. The old version is revoked next.',
      },
    );
  }

  @Post('rotations/:reference/roll-back')
  @Permission('rotations:operate', { face: 'console' })
  rollBack(
    @Param('reference', name) rotation: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      rotation,
      'roll-back',
      acts,
      body,
      by,
      (id, said) => this.rotations.rollBack(id, { ...said, by }),
      {
        tone: 'wait',
        text: 'It is being rolled back. The old version stays.',
      },
    );
  }

  @Post('rotations/:reference/stop')
  @Permission('rotations:operate', { face: 'console' })
  stop(
    @Param('reference', name) rotation: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      rotation,
      'stop',
      acts,
      body,
      by,
      (id, said) => this.rotations.stop(id, { ...said, by }),
      {
        tone: 'live',
        text: 'It is stopped. What lives, lives on.',
      },
    );
  }

  @Post('rotations/:reference/version')
  @Permission('rotations:operate', { face: 'console' })
  enter(
    @Param('reference', name) rotation: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      rotation,
      'version',
      version,
      body,
      by,
      (id, { expires, ...rest }) => {
        const at = expires === undefined ? undefined : instantIn(expires, 'UTC');
        return this.words.enterVersion(
          id,
          { ...rest, ...(at === undefined ? {} : { expiresAt: iso(at) }) },
          by,
        );
      },
      { tone: 'dead', text: 'The new version is on record.' },
    );
  }

  @Post('rotations/:reference/works')
  @Permission('rotations:operate', { face: 'console' })
  works(
    @Param('reference', name) rotation: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(rotation, 'works', note, body, by, (id, said) => this.words.confirmWorks(id, said, by), {
      tone: 'dead',
      text: 'Noted: the new version works.',
    });
  }

  @Post('rotations/:reference/lost-answer')
  @Permission('rotations:operate', { face: 'console' })
  settleLost(
    @Param('reference', name) rotation: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      rotation,
      'lost-answer',
      lost,
      body,
      by,
      (id, { made, ...said }) => this.words.settleLost(id, { ...said, made: made === 'yes' }, by),
      { tone: 'wait', text: 'Noted. The rotation goes on.' },
    );
  }

  @Post('rotations/:reference/places/:location')
  @Permission('rotations:operate', { face: 'console' })
  answerPlace(
    @Param('reference', name) rotation: string,
    @Param('location', place) location: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(
      rotation,
      location,
      answers,
      body,
      by,
      (id, said) => this.words.answerPlace(id, location, said, by),
      { tone: 'dead', text: 'Noted.' },
    );
  }

  async #act<S>(
    rotation: string,
    form: string,
    schema: z.ZodType<S>,
    body: unknown,
    by: Principal,
    act: (id: string, said: S) => Promise<Result<unknown, Refusal>>,
    flash: Flash,
  ): Promise<Answer> {
    const found = await this.#find(rotation, by);
    const again = async (problems: FormProblems) => {
      // What was typed as a value is never shown again.
      const { value: _value, ...typed } = typedIn(body);
      const view = await this.#find(rotation, by);
      return shows(
        (frame) => RotationPageView({ frame, rotation: view, refused: { form, problems, typed } }),
        422,
      );
    };
    const read = readForm(schema, body);
    if (!read.ok) return again(read.error);
    const done = await act(found.id, read.value);
    if (!done.ok) return again(problemsOf(done.error.message, done.error.fields));
    return goes(`/rotations/${rotation}`, flash);
  }

  async #find(rotation: string, by: Principal): Promise<RotationView> {
    const view = await this.transactions.run(by, (db) => findRotation(db, { reference: rotation }));
    if (!view) throw new Refused(refusal('not_found', 'not-found', 'There is no such rotation.'));
    return view;
  }
}
