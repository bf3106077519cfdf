import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Channel, type Network } from './channel.js';
import { frames, requestHeader } from './frames.js';
import { pointToProxies } from './metadata-answer.js';

const PRODUCE = 0;
const METADATA = 3;

type Loss = 'breaking' | 'silently';
/** What the answer to a request in flight needs. */
type Asked = { loss?: Loss; metadataVersion?: number };

/**
 * A proxy before one broker. It lets through what the network lets through, and can lose an acknowledgement: the broker writes the records, the
 * client does not learn it. Connections without TLS only.
 */
export class BrokerProxy {
  /** Shared by all connections; change it at any time. */
  readonly network: Network = { latencyMs: 0, bytesPerSecond: Infinity, isBlackhole: false };
  private readonly pairs = new Set<[Socket, Socket]>();
  private readonly server = createServer(client => this.accept(client));
  private armed: Loss | undefined;
  private lost = 0;

  private constructor(
    private readonly brokerPort: number,
    private readonly proxyOf: (brokerPort: number) => number,
  ) {}

  /** @param proxyOf where clients are sent that the broker sends to another broker's port */
  static async start(brokerPort: number, proxyOf: (brokerPort: number) => number): Promise<BrokerProxy> {
    const proxy = new BrokerProxy(brokerPort, proxyOf);
    await new Promise<void>(resolve => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Loses the answer to the next Produce request; the connection breaks, or stays open without a word. */
  swallowNext(how: Loss): void {
    this.armed = how;
  }

  swallowed(): number {
    return this.lost;
  }

  /** Breaks every connection of this moment. @returns how many */
  reset(): number {
    const { size } = this.pairs;
    for (const [client, upstream] of this.pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
    return size;
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise<void>(resolve => this.server.close(() => resolve()));
  }

  private accept(client: Socket): void {
    const upstream = connect({ host: '127.0.0.1', port: this.brokerPort });
    const pair: [Socket, Socket] = [client, upstream];
    this.pairs.add(pair);
    const end = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) socket.setNoDelay(true).on('error', end).on('close', end);
    const asked = new Map<number, Asked>();
    const [there, back] = [new Channel(upstream, this.network), new Channel(client, this.network)];
    client.on(
      'data',
      frames(frame => {
        this.remember(frame, asked);
        there.send(frame);
      }),
    );
    upstream.on(
      'data',
      frames(frame => this.answer(frame, asked, back, end)),
    );
  }

  private remember(frame: Buffer, asked: Map<number, Asked>): void {
    const { api, version, correlation } = requestHeader(frame);
    if (api === METADATA) asked.set(correlation, { metadataVersion: version });
    if (api !== PRODUCE || !this.armed) return;
    asked.set(correlation, { loss: this.armed });
    this.armed = undefined;
  }

  private answer(frame: Buffer, asked: Map<number, Asked>, back: Channel, end: () => void): void {
    const correlation = frame.readInt32BE(4);
    const { loss, metadataVersion } = asked.get(correlation) ?? {};
    asked.delete(correlation);
    if (metadataVersion !== undefined) pointToProxies(frame, metadataVersion, this.proxyOf);
    if (!loss) return back.send(frame);
    this.lost += 1;
    if (loss === 'breaking') end();
  }
}
