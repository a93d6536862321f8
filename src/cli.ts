#!/usr/bin/env node
import 'reflect-metadata';
import { Command, CommanderError } from 'commander';
import { addClock } from './cli/clock.command.ts';
import type { AddCommand } from './cli/command.ts';
import { addConnector } from './cli/connector.command.ts';
import { reportFailure } from './cli/failure.ts';
import { addIntake } from './cli/intake.command.ts';
import { addKeys } from './cli/keys.command.ts';
import { addGate } from './cli/gate.command.ts';
import { addLedger } from './cli/ledger.command.ts';
import { addImport } from './cli/import.command.ts';
import { addMass } from './cli/mass.command.ts';
import { addMigrate } from './cli/migrate.command.ts';
import { addOutbox } from './cli/outbox.command.ts';
import { addPolicy } from './cli/policy.command.ts';
import { addServe } from './cli/serve.command.ts';
import { addStore } from './cli/store.command.ts';
import { addTokenCreate } from './cli/token-create.command.ts';
import { addUserAdd } from './cli/user-add.command.ts';
import { speakPlainly } from './platform/config/plain-problems.ts';

/** Everything that an operator runs. One line a command file. */
const commands: readonly AddCommand[] = [
  addServe,
  addMigrate,
  addImport,
  addGate,
  addPolicy,
  addConnector,
  addClock,
  addIntake,
  addUserAdd,
  addTokenCreate,
  addOutbox,
  addLedger,
  addKeys,
  addStore,
  addMass,
];

speakPlainly();
const program = new Command('countersign')
  .description('Supplier-credential governance and credential-incident response')
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'countersign: ')) });
for (const add of commands) add(program);

try {
  await program.parseAsync(process.argv);
  process.exit(process.exitCode ?? 0);
} catch (thrown) {
  if (thrown instanceof CommanderError) process.exit(thrown.exitCode === 0 ? 0 : 2);
  process.exit(reportFailure(thrown));
}
