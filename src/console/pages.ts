import { CredentialPage } from './credentials/credential.page.ts';
import { IntegrationPage } from './integrations/integration.page.ts';
import { PortfolioPage } from './portfolio/portfolio.page.ts';
import { AssetsPage } from './shared/assets.page.ts';
import type { Area } from './shared/page.ts';
import { SignInPage } from './sign-in/sign-in.page.ts';

/** The console's table of contents. The order is that of the navigation. */
export const AREAS_OF_CONSOLE: readonly Area[] = [
  {
    title: 'Portfolio',
    path: '/portfolio',
    permission: 'portfolio:read',
    pages: [PortfolioPage, IntegrationPage, CredentialPage],
  },
  { title: 'The door', pages: [SignInPage, AssetsPage] },
];
