import { GithubSource } from './github/github.source.ts';
import { StandardWebhooksSource } from './standard-webhooks/standard-webhooks.source.ts';

/** Every source that reports may come from. One line a source. */
export const sources = [GithubSource, StandardWebhooksSource];
