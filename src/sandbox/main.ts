import { parseArgs } from 'node:util';
import { writeWhole } from './folder.ts';
import { startWorld } from './world.ts';

const usage = `usage: node dist/src/sandbox/main.js --dir DIR [--port-file FILE]

Runs the outside world that demonstrations and trials talk to: suppliers, a code host, a mail server and people, over HTTP
and SMTP on 127.0.0.1. Its state lives in DIR. FILE receives its ports and process id once it serves.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { dir: { type: 'string' }, 'port-file': { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help || !values.dir) {
    console.error(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const world = await startWorld({ dir: values.dir });
  const { worldId, pid, ports } = world.descriptor;
  if (values['port-file'])
    await writeWhole(values['port-file'], `${JSON.stringify({ worldId, pid, ports })}\n`);
  console.log(JSON.stringify({ ready: true, worldId, pid, ports }));

  await Promise.race([
    world.stopAsked,
    new Promise((done) => {
      process.once('SIGTERM', done);
      process.once('SIGINT', done);
    }),
  ]);
  await world.close();
  // People may be in the middle of a slow page; nothing of theirs needs to end first.
  process.exit(0);
}

main().catch((error: Error) => {
  console.error(`the outside world cannot start: ${error.message}`);
  process.exit(1);
});
