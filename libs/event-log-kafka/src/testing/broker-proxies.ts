import { BrokerProxy } from './broker-proxy.js';
import type { Network } from './channel.js';

/** Proxies before all brokers of a cluster on this machine. A client that begins at one of them meets no broker directly. */
export class BrokerProxies {
  private constructor(readonly each: ReadonlyMap<number, BrokerProxy>) {}

  /** @param brokers addresses without TLS, `127.0.0.1:port` */
  static async start(brokers: readonly string[]): Promise<BrokerProxies> {
    const proxies = new Map<number, BrokerProxy>();
    const proxyOf = (port: number): number => proxies.get(port)?.port ?? port;
    for (const broker of brokers) {
      const port = Number(broker.split(':')[1]);
      proxies.set(port, await BrokerProxy.start(port, proxyOf));
    }
    return new BrokerProxies(proxies);
  }

  /** Addresses for clients. */
  get brokers(): string[] {
    return [...this.each.values()].map(proxy => `127.0.0.1:${proxy.port}`);
  }

  /** Changes the network before all brokers. @returns puts things right again */
  worsen(change: Partial<Network>): () => void {
    const undo = [...this.each.values()].map(({ network }) => {
      const before = { ...network };
      Object.assign(network, change);
      return () => void Object.assign(network, before);
    });
    return () => undo.forEach(one => one());
  }

  swallowNext(how: 'breaking' | 'silently'): void {
    for (const proxy of this.each.values()) proxy.swallowNext(how);
  }

  swallowed(): number {
    return [...this.each.values()].reduce((sum, proxy) => sum + proxy.swallowed(), 0);
  }

  reset(): number {
    return [...this.each.values()].reduce((sum, proxy) => sum + proxy.reset(), 0);
  }

  async close(): Promise<void> {
    await Promise.all([...this.each.values()].map(proxy => proxy.close()));
  }
}
