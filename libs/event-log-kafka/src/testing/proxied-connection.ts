import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { startStallingProxy, type StallingProxy } from '@sever/event-log/testing';
import type { KafkaConfig } from 'kafkajs';

/** Proxies before brokers of this machine, and the way for a client to go through them. */
export type ProxiedConnection = {
  socketFactory: NonNullable<KafkaConfig['socketFactory']>;
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
};

/** Puts a proxy before every broker; with TLS it carries what it cannot read. */
export async function proxiedConnection(brokers: readonly string[]): Promise<ProxiedConnection> {
  const proxies = new Map<number, StallingProxy>();
  for (const broker of brokers) {
    const port = Number(broker.split(':')[1]);
    proxies.set(port, await startStallingProxy({ host: '127.0.0.1', port }));
  }
  const all = [...proxies.values()];
  return {
    socketFactory: ({ port, ssl, onConnect }) => {
      const to = { host: '127.0.0.1', port: proxies.get(port)?.port ?? port };
      const socket = ssl ? connectSecurely({ ...to, ...ssl }, onConnect) : connect(to, onConnect);
      return socket.setNoDelay(true);
    },
    freeze: () => all.forEach(p => p.freeze()),
    thaw: () => all.forEach(p => p.thaw()),
    close: async () => void (await Promise.all(all.map(p => p.close()))),
  };
}
