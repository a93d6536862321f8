const globals = new URL('./globals.mjs', import.meta.url).href;
const tests = new URL('../../', import.meta.url).href;
const offered = new URL('./offered.mjs', import.meta.url).href;

/**
 * The modules of test/ are new for each test file, as they register hooks and keep state: they carry the file's number in
 * their address. The product and the packages are there once.
 */
export async function resolve(specifier, context, next) {
  const query = /\?file=\d+$/.exec(context.parentURL ?? '')?.[0];
  if (specifier === '@jest/globals') return { url: globals + (query ?? ''), shortCircuit: true };
  const found = await next(specifier, context);
  return query && found.url.startsWith(tests) && found.url !== offered
    ? { ...found, url: found.url + query }
    : found;
}
