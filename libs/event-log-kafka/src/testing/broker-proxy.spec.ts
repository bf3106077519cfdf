import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '@sever/event-log/testing';
import { BrokerProxies } from './broker-proxies.js';
import { frames } from './frames.js';

const PRODUCE = 0;
const METADATA = 3;
const FETCH = 1;
const METADATA_VERSION = 6;

const framed = (body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
};

function request(api: number, correlation: number, version = METADATA_VERSION): Buffer {
  const body = Buffer.alloc(8);
  body.writeInt16BE(api, 0);
  body.writeInt16BE(version, 2);
  body.writeInt32BE(correlation, 4);
  return framed(body);
}

/** Answer to Metadata 6 that names one broker without a rack. */
function metadataAnswer(correlation: number, port: number): Buffer {
  const host = '127.0.0.1';
  const body = Buffer.alloc(4 + 4 + 4 + 4 + 2 + host.length + 4 + 2);
  body.writeInt32BE(correlation, 0);
  body.writeInt32BE(1, 8); // brokers
  body.writeInt32BE(7, 12); // its id
  body.writeInt16BE(host.length, 16);
  body.write(host, 18);
  body.writeInt32BE(port, 18 + host.length);
  body.writeInt16BE(-1, 22 + host.length); // no rack
  return framed(body);
}

describe('a proxy before a broker', () => {
  let broker: Server;
  let seen: number[];
  let proxies: BrokerProxies;
  let client: Socket;
  let answers: Buffer[];
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  beforeEach(async () => {
    seen = [];
    answers = [];
    broker = createServer(socket => {
      socket.on('error', () => undefined);
      socket.on(
        'data',
        frames(frame => {
          const [api, correlation] = [frame.readInt16BE(4), frame.readInt32BE(8)];
          seen.push(correlation);
          const plain = Buffer.alloc(4);
          plain.writeInt32BE(correlation);
          socket.write(api === METADATA ? metadataAnswer(correlation, portOf(broker)) : framed(plain));
        }),
      );
    });
    await new Promise<void>(resolve => broker.listen(0, '127.0.0.1', resolve));
    proxies = await BrokerProxies.start([`127.0.0.1:${portOf(broker)}`]);
    client = connect({ host: '127.0.0.1', port: Number(proxies.brokers[0]?.split(':')[1]) });
    client.on('error', () => undefined);
    client.on(
      'data',
      frames(frame => answers.push(Buffer.from(frame))),
    );
    await new Promise<void>(resolve => client.once('connect', resolve));
  });
  afterEach(async () => {
    client.destroy();
    await proxies.close();
    await new Promise(resolve => broker.close(resolve));
  });

  const answered = (): number[] => answers.map(a => a.readInt32BE(4));
  const answersTo = (correlations: readonly number[]): Promise<void> =>
    eventually('the answers', () => JSON.stringify(answered()) === JSON.stringify(correlations));
  const reached = (correlations: readonly number[]): Promise<void> =>
    eventually('the requests', () => JSON.stringify(seen) === JSON.stringify(correlations));

  it('sends clients to itself where the broker names its own address', async () => {
    client.write(request(METADATA, 1));
    await answersTo([1]);
    const port = answers[0]?.readInt32BE(4 + 18 + '127.0.0.1'.length);
    expect([`127.0.0.1:${port}`]).toEqual(proxies.brokers);
  });

  it('keeps order under latency and on a narrow line', async () => {
    const undo = proxies.worsen({ latencyMs: 20, bytesPerSecond: 2_000 });
    const ids = Array.from({ length: 20 }, (_, i) => i);
    client.write(Buffer.concat(ids.map(id => request(FETCH, id))));
    await reached(ids);
    await answersTo(ids);
    undo();
    client.write(request(FETCH, 99));
    await answersTo([...ids, 99]);
  });

  it('lets nothing through a blackhole, and everything afterwards', async () => {
    const undo = proxies.worsen({ isBlackhole: true });
    client.write(request(FETCH, 1));
    await new Promise(resolve => setTimeout(resolve, 200));
    expect([seen, answered(), client.closed]).toEqual([[], [], false]);
    undo();
    await answersTo([1]);
  });

  it('breaks connections', async () => {
    client.write(request(FETCH, 1));
    await answersTo([1]);
    expect(proxies.reset()).toBe(1);
    await eventually('the end of the connection', () => client.closed);
  });

  it.each([
    ['breaking', true],
    ['silently', false],
  ] as const)('swallows the acknowledgement of one Produce request, %s', async (how, breaks) => {
    proxies.swallowNext(how);
    client.write(request(FETCH, 1));
    await answersTo([1]);
    client.write(request(PRODUCE, 2));
    await eventually('the loss', () => proxies.swallowed() === 1);
    expect([seen, answered()]).toEqual([[1, 2], [1]]);
    if (breaks) return eventually('the end of the connection', () => client.closed);
    client.write(request(PRODUCE, 3));
    await answersTo([1, 3]);
  });
});
