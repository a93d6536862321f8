/**
 * Lets a Node process of its own run the source as it stands, decorators included: `node --import=…/typescript.mjs x.ts`.
 * For tests and benchmarks that must kill, limit or measure a whole process.
 */
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
