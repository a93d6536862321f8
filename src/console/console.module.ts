import { Module } from '@nestjs/common';
import { AREAS_OF_CONSOLE } from './pages.ts';
import { AREAS, ConsoleAnswers } from './shared/page.ts';

@Module({
  controllers: AREAS_OF_CONSOLE.flatMap(({ pages }) => pages),
  providers: [{ provide: AREAS, useValue: AREAS_OF_CONSOLE }, ConsoleAnswers],
})
export class ConsoleModule {}
