import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { controlPlace } from './control/control.ts';
import type { WorldDescriptor, WorldPorts } from './control/schema.ts';
import { prepareFolder, writeDescriptor } from './folder.ts';
import { Github } from './github/github.ts';
import { Faults } from './ground/faults.ts';
import { Sealing } from './ground/sealing.ts';
import { Listener } from './ground/server.ts';
import { MailServer } from './mail/mail-server.ts';
import { People } from './people/people.ts';
import { ApiKeySupplier } from './suppliers/api-key-supplier.ts';
import { MailOnlySupplier } from './suppliers/mail-only-supplier.ts';
import { OAuthSupplier } from './suppliers/oauth-supplier.ts';
import type { Supplier } from './suppliers/supplier.ts';

export interface World {
  descriptor: WorldDescriptor;
  /** Resolves when somebody asked it to stop; whoever started it then closes it. */
  stopAsked: Promise<unknown>;
  close(): Promise<void>;
}

const NOWHERE: WorldPorts = { control: 0, meridian: 0, northwind: 0, kestrel: 0, github: 0, smtp: 0 };

/**
 * Starts the outside world over one folder: four suppliers, a code host, a mail server, people, and the control API that
 * stages them. Everything it was told and everything it did is in the folder, so a killed world comes back as it was,
 * on the same ports if they are free.
 */
export async function startWorld(o: { dir: string }): Promise<World> {
  const { before } = await prepareFolder(o.dir);
  const wanted = { ...NOWHERE, ...before?.ports };
  const closing: (() => Promise<unknown>)[] = [];
  const opened = <T extends { close(): Promise<unknown> }>(thing: T): T => {
    closing.unshift(() => thing.close());
    return thing;
  };
  const closeAll = async (): Promise<void> => {
    // Last opened, first closed: nobody is asked who has forgotten already.
    for (const close of closing.splice(0)) await close();
  };

  try {
    const state = join(o.dir, 'state');
    const sealing = await Sealing.open(join(o.dir, 'vault.key'));
    const faults = opened(await Faults.open(join(state, 'faults.jsonl')));
    const own = { dir: state, sealing };

    const suppliers: { supplier: Supplier; origin: string | null; listener: Listener | null }[] = [];
    const settle = async (supplier: Supplier, port: number | null): Promise<number> => {
      opened(supplier);
      const listener = port === null ? null : opened(await Listener.bind(faults, port));
      const origin = listener?.origin ?? null;
      const place = origin === null ? null : await supplier.place(origin);
      if (place && listener) await listener.serve(place);
      suppliers.push({ supplier, origin, listener });
      return listener?.port ?? 0;
    };
    const meridian = await settle(
      await OAuthSupplier.open({ ...own, key: 'meridian', title: 'Meridian Identity' }),
      wanted.meridian,
    );
    const northwind = await settle(
      await ApiKeySupplier.open({
        ...own,
        key: 'northwind',
        title: 'Northwind Pay',
        manner: 'by_status',
        prefix: 'nwp_live_',
      }),
      wanted.northwind,
    );
    const kestrel = await settle(
      await ApiKeySupplier.open({
        ...own,
        key: 'kestrel',
        title: 'Kestrel Logs',
        manner: 'by_body',
        prefix: 'klog_',
      }),
      wanted.kestrel,
    );
    await settle(await MailOnlySupplier.open({ ...own, key: 'halden', title: 'Halden Freight' }), null);

    const github = opened(await Github.open(state, sealing));
    const githubListener = opened(await Listener.bind(faults, wanted.github));
    await githubListener.serve(github.place(githubListener.origin));

    const mail = opened(await MailServer.open(state, faults));
    const smtp = await mail.listen(wanted.smtp);
    const people = opened(await People.open({ dir: state, mail, suppliers, sealing }));

    const control = opened(await Listener.bind(null, wanted.control));
    const ports = { control: control.port, meridian, northwind, kestrel, github: githubListener.port, smtp };
    const descriptor = await writeDescriptor(o.dir, before, ports);
    const strings = new EventEmitter();
    const stopAsked = once(strings, 'stop');
    const stop = (): void => void strings.emit('stop');
    await control.serve(controlPlace({ descriptor, suppliers, github, mail, people, faults, stop }));
    return { descriptor, stopAsked, close: closeAll };
  } catch (error) {
    await closeAll().catch(() => undefined);
    throw error;
  }
}
