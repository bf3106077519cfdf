import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that can fall silent: connections stay open, no byte passes until it is thawed. */
export type StallingProxy = {
  port: number;
  freeze(): void;
  thaw(): void;
  /** Connections of this moment, for assertions. */
  connections(): number;
  close(): Promise<void>;
};

/** Puts a proxy on a free port of 127.0.0.1 before a server. */
export async function startStallingProxy(target: { host: string; port: number }): Promise<StallingProxy> {
  const pairs = new Set<[Socket, Socket]>();
  let frozen = false;
  const server = createServer(client => {
    const upstream = connect(target);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) socket.on('error', end).on('close', end);
    client.on('data', data => upstream.write(data));
    upstream.on('data', data => client.write(data));
    if (frozen) stall(pair);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      frozen = true;
      pairs.forEach(stall);
    },
    thaw: () => {
      frozen = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    connections: () => pairs.size,
    close: async () => {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

const stall = (pair: readonly Socket[]): void => pair.forEach(socket => void socket.pause());
