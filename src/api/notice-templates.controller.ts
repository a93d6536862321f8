import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission } from '../domain/access/route.ts';
import { EDITABLE, variablesOf } from '../domain/notices/notice-samples.ts';
import {
  previewSchema,
  previewTemplateSchema,
  saveTemplateSchema,
  templatesSchema,
  templateVersionSchema,
  textNameSchema,
} from '../domain/notices/notice-template.schema.ts';
import { versionsOfText, writtenTexts } from '../domain/notices/notice-templates.queries.ts';
import { NoticeTemplates } from '../domain/notices/notice-templates.ts';
import { NoticeTexts } from '../domain/notices/notice-texts.service.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const versionsSchema = z
  .object({ versions: z.array(templateVersionSchema) })
  .meta({ id: 'NoticeTemplateVersions' });
const savedSchema = z.object({ id: z.uuid(), number: z.int() }).meta({ id: 'NoticeTemplateSaved' });

/** The texts of notices: what is shipped, and what operators wrote upon it. */
@ApiTags('notices')
@Controller('api/v1/notice-templates')
export class NoticeTemplatesController {
  constructor(
    private readonly transactions: Transactions,
    private readonly texts: NoticeTexts,
    private readonly templates: NoticeTemplates,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List the texts of notices: categories, variables, languages, what was written' })
  @Permission('notice-templates:read')
  @ApiOkResponse({ standardSchema: templatesSchema })
  async list(@By() by: Principal): Promise<z.infer<typeof templatesSchema>> {
    const written = await this.transactions.run(by, writtenTexts);
    return {
      categories: Object.entries(EDITABLE).map(([category, kind]) => ({
        category,
        title: kind.title,
        variables: variablesOf(kind),
        shippedIn: this.templates.languagesOf(category),
        written: written
          .filter((one) => one.category === category)
          .map(({ language, recipient, number, shipped }) => ({ language, recipient, number, shipped })),
      })),
    };
  }

  @Get('versions')
  @ApiOperation({ summary: 'List every version of one text, newest first' })
  @Permission('notice-templates:read')
  @ApiOkResponse({ standardSchema: versionsSchema })
  async versions(
    @Query({ schema: textNameSchema }) name: z.output<typeof textNameSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof versionsSchema>> {
    return { versions: await this.transactions.run(by, (db) => versionsOfText(db, name)) };
  }

  @Post()
  @ApiOperation({
    summary: 'Write a text of notices',
    description:
      'A version that stays. It is refused where it does not parse, uses a variable that its category does not have, leaves out the link or its code, or where its HTML fetches or runs something.',
  })
  @Permission('notice-templates:write')
  @ApiCreatedResponse({ standardSchema: savedSchema })
  async save(
    @Body({ schema: saveTemplateSchema }) input: z.output<typeof saveTemplateSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof savedSchema>> {
    const { source, note, ...name } = input;
    return answered(await this.transactions.run(by, (db) => this.texts.save(db, name, source, note, by)));
  }

  @Post('preview')
  @HttpCode(200)
  @ApiOperation({ summary: 'See how a text would read, with the facts of a notice that was owed' })
  @Permission('notice-templates:read')
  @ApiOkResponse({ standardSchema: previewSchema })
  async preview(
    @Body({ schema: previewTemplateSchema }) input: z.output<typeof previewTemplateSchema>,
    @By() by: Principal,
  ): Promise<z.infer<typeof previewSchema>> {
    return answered(
      await this.transactions.run(by, (db) =>
        this.texts.preview(db, input.category, input.source, input.notice),
      ),
    );
  }
}
