import '../typescript.mjs';

export default async function setup() {
  const { default: start } = await import('../test-server.ts');
  await start();
}
