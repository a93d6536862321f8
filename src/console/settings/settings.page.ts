import { Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { errorText } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { AccessQueries } from '../../domain/access/access.queries.ts';
import { AccountsService } from '../../domain/access/accounts.service.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { DeliveryLog } from '../../domain/exposures/delivery-log.service.ts';
import { ownWays } from '../../domain/exposures/reported-by.queries.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { KeptOutside } from '../../platform/vault/kept-outside.ts';
import type { Store } from '../../platform/vault/store.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { listConnections, listSources, listStoreUses } from './settings.queries.ts';
import { ConnectionsView, SourcesView, TokensView, UsersView } from './settings.view.tsx';
import { StoresView, type StoreAccessSeen } from './stores.view.tsx';

/** Deliveries to addresses without a source that are shown. */
const ELSEWHERE = 20;

@ConsolePage()
export class SettingsPage {
  constructor(
    private readonly access: AccessQueries,
    private readonly transactions: Transactions,
    private readonly accounts: AccountsService,
    private readonly vault: Vault,
    private readonly log: DeliveryLog,
    private readonly clock: Clock,
  ) {}

  @Get('settings')
  @Permission('sources:read', { face: 'console' })
  first(): Answer {
    return goes('/settings/sources');
  }

  @Get('settings/sources')
  @Permission('sources:read', { face: 'console' })
  async sources(@By() by: Principal): Promise<Answer> {
    const sources = await this.transactions.run(by, (db) => listSources(db, this.clock.now()));
    const ways = await this.transactions.run(by, (db) => ownWays(db));
    const elsewhere = await this.log.elsewhere({ limit: ELSEWHERE }, by);
    return shows((frame) => SourcesView({ frame, sources, ways, elsewhere }));
  }

  @Get('settings/connections')
  @Permission('connections:read', { face: 'console' })
  async connections(@By() by: Principal): Promise<Answer> {
    const connections = await this.transactions.run(by, (db) => listConnections(db));
    return shows((frame) => ConnectionsView({ frame, connections }));
  }

  @Get('settings/stores')
  @Permission('connections:read', { face: 'console' })
  async stores(@By() by: Principal): Promise<Answer> {
    const uses = await this.transactions.run(by, (db) => listStoreUses(db));
    const stores = this.vault.stores();
    const accesses = await Promise.all(stores.map(accessOf));
    return shows((frame) => StoresView({ frame, stores, uses, accesses }));
  }

  @Get('settings/users')
  @Permission('users:read', { face: 'console' })
  async users(@By() by: Principal): Promise<Answer> {
    const users = await this.access.users(by);
    return shows((frame) => UsersView({ frame, users }));
  }

  @Post('settings/users/:id/disable')
  @Permission('users:create', { face: 'console' })
  async disable(@Param('id', { schema: z.uuid() }) userId: string, @By() by: Principal): Promise<Answer> {
    const done = await this.transactions.run(by, (db) => this.accounts.disable(db, userId, by));
    return goes(
      '/settings/users',
      done.ok
        ? { tone: 'dead', text: 'The account is closed. What its person may do is reviewed.' }
        : { tone: 'live', text: done.error.message },
    );
  }

  @Get('settings/tokens')
  @Permission('tokens:read', { face: 'console' })
  async tokens(@By() by: Principal): Promise<Answer> {
    const tokens = await this.access.tokens(by);
    return shows((frame) => TokensView({ frame, tokens }));
  }
}

/** What our own authentication at a store is good for, as the store says now. */
async function accessOf(store: Store): Promise<StoreAccessSeen> {
  if (!(store instanceof KeptOutside)) return null;
  try {
    return await store.access();
  } catch (thrown) {
    return { problem: errorText(thrown) };
  }
}
