import '../typescript.mjs';

// Threads that the product starts run the source, too, whichever test starts them.
const loader = `--import=${new URL('../typescript.mjs', import.meta.url).href}`;
if (!process.execArgv.includes(loader)) process.execArgv.push(loader);
