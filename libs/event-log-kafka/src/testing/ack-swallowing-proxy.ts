import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { KafkaConfig } from 'kafkajs';

const PRODUCE = 0;
const LENGTH_BYTES = 4;

/** A proxy before one broker that can lose an acknowledgement: the broker writes the records, the client does not learn it. */
export type AckSwallowingProxy = {
  socketFactory: NonNullable<KafkaConfig['socketFactory']>;
  /** Loses the answer to the next Produce request; the connection breaks, or stays open without a word. */
  swallowNext(how: 'breaking' | 'silently'): void;
  swallowed(): number;
  close(): Promise<void>;
};

/** Puts the proxy before a broker of this machine; connections without TLS only. */
export async function startAckSwallowingProxy(broker: string): Promise<AckSwallowingProxy> {
  const sockets = new Set<Socket>();
  let armed: 'breaking' | 'silently' | undefined;
  let swallowed = 0;
  const server = createServer(client => {
    const upstream = connect({ host: '127.0.0.1', port: Number(broker.split(':')[1]) });
    const lost = new Map<number, 'breaking' | 'silently'>();
    const end = (): void => [client, upstream].forEach(s => void s.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on(
      'data',
      frames(frame => {
        if (armed && frame.readInt16BE(LENGTH_BYTES) === PRODUCE) {
          lost.set(frame.readInt32BE(LENGTH_BYTES + 4), armed);
          armed = undefined;
        }
        upstream.write(frame);
      }),
    );
    upstream.on(
      'data',
      frames(frame => {
        const how = lost.get(frame.readInt32BE(LENGTH_BYTES));
        if (!how) return void client.write(frame);
        swallowed += 1;
        if (how === 'breaking') end();
      }),
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port }, onConnect).setNoDelay(true),
    swallowNext: how => {
      armed = how;
    },
    swallowed: () => swallowed,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** Cuts a stream into requests or answers: four bytes of length, then as many. */
function frames(each: (frame: Buffer) => void): (data: Buffer) => void {
  let rest = Buffer.alloc(0);
  return data => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readInt32BE(0)) {
      const end = LENGTH_BYTES + rest.readInt32BE(0);
      each(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  };
}
