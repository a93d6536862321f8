import { CsvSource } from './csv/csv.source.ts';
import { GithubSource } from './github/github.source.ts';
import { GithubPartnerSource } from './github-partner/github-partner.source.ts';
import { GitguardianSource } from './gitguardian/gitguardian.source.ts';
import { GitlabSource } from './gitlab/gitlab.source.ts';
import { GitleaksSource } from './gitleaks/gitleaks.source.ts';
import { SarifSource } from './sarif/sarif.source.ts';
import { SetSource } from './set/set.source.ts';
import { StandardWebhooksSource } from './standard-webhooks/standard-webhooks.source.ts';
import { TrufflehogSource } from './trufflehog/trufflehog.source.ts';

/** Every source that reports may come from. One line a source. */
export const sources = [
  GithubSource,
  GithubPartnerSource,
  GitguardianSource,
  GitlabSource,
  StandardWebhooksSource,
  SetSource,
  GitleaksSource,
  TrufflehogSource,
  SarifSource,
  CsvSource,
];
