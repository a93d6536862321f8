import { speakPlainly } from '../../../src/platform/config/plain-problems.ts';

// As every process of the product does.
speakPlainly();
