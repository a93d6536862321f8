import { NoticesService } from '../../src/domain/notices/notices.service.ts';
import { DeliveryService } from '../../src/domain/notices/delivery.service.ts';
import type { Id } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import { startApp, type TestApp } from './app.ts';
import { MailServer } from './mail-server.ts';
import { confirmedExposure, noticeScene, type NoticeScene } from './notice-scene.ts';
import { caller, type Answer } from './portfolio.ts';
import { SignalPeer } from './signal-peer.ts';

/** On whose behalf tests of telling work. */
export const BY = system('test', 'correlation-telling');

/** A caller of the API, by what it says and what it sends. */
export type Calling = (
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  body?: unknown,
  ifMatch?: number,
) => Promise<Answer>;

/** An application that tells nothing by itself, mail and a chat that carry what it tells, and one party to tell. */
export interface TellingWorld {
  t: TestApp;
  mail: MailServer;
  chat: SignalPeer;
  scene: NoticeScene;
  run<T>(work: (db: Db) => Promise<T>): Promise<T>;
  calling(token: string): Calling;
  /** A notice of a confirmed exposure that reached the party of the scene. */
  told(): Promise<Id>;
}

export async function tellingWorld(): Promise<TellingWorld> {
  const mail = await MailServer.start();
  const chat = await SignalPeer.start();
  chat.answer(200, {}, 'ok');
  const t = await startApp({
    config: { smtpUrl: `smtp://${mail.host}`, outboundAllow: [mail.host, chat.host] },
    settings: { duties: { serves: true, works: false } },
  });
  const run = <T>(work: (db: Db) => Promise<T>) => t.app.get(Transactions).run(BY, work);
  const scene = await run((db) => noticeScene(db, t.clock.date()));
  return {
    t,
    mail,
    chat,
    scene,
    run,
    calling(token) {
      const api = caller(t, token);
      return (method, url, body, ifMatch) =>
        api(method, `/api/v1${url}`, {
          ...(body === undefined ? {} : { body }),
          ...(ifMatch === undefined ? {} : { ifMatch }),
        });
    },
    async told() {
      const [id] = await run((db) =>
        t.app.get(NoticesService).owe(db, [confirmedExposure(scene, t.clock.now())], BY),
      );
      await t.app.get(DeliveryService).deliver(id!, BY, AbortSignal.timeout(20_000));
      return id!;
    },
  };
}
