import type { BrokerProxies } from '@sever/event-log-kafka/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/clients.js';
import { readKafka, withoutRepetitions } from '../../harness/kafka-log.js';
import type { Fault } from './fault.js';
import type { Site } from './site.js';

const WORSE_MS = 20_000;
const BLACKHOLE_MS = 30_000;
const RESETS = 20;
const RESET_EVERY_MS = 500;
const SLOW_WAY_MS = 250;
const NARROW_BYTES_PER_SECOND = 32 * 1024;
/** A silent loss costs the relay its time limit; the others are over at once. */
const LOSSES = ['breaking', 'breaking', 'silently', 'breaking'] as const;

const port = (address: string | undefined): number => Number(address?.split(':')[1]);

async function repetitions(site: Site): Promise<number> {
  const entries = await readKafka(site.pipeline.ready.kafkaBrokers ?? '', ['requests', 'outcomes']);
  return entries.length - withoutRepetitions(entries).length;
}

/** What the network between the processes and the brokers can do. `brokers` are the true addresses, in the order of their ids. */
export const networkFaults = (proxies: () => BrokerProxies, brokers: () => readonly string[]): Fault[] => {
  const worse = (name: string, change: Parameters<BrokerProxies['worsen']>[0], ms: number): Fault => ({
    name,
    happen: async () => {
      const undo = proxies().worsen(change);
      await sleep(ms).finally(undo);
    },
  });
  return [
    worse(`latency of ${2 * SLOW_WAY_MS} ms to all brokers`, { latencyMs: SLOW_WAY_MS }, WORSE_MS),
    worse('a narrow line to all brokers', { bytesPerSecond: NARROW_BYTES_PER_SECOND }, WORSE_MS),
    worse('a blackhole before all brokers', { isBlackhole: true }, BLACKHOLE_MS),
    {
      name: 'a blackhole before the leader of requests/0, which the other brokers still reach',
      happen: async site => {
        const leader = await site.roles.leaderOf('requests', 0);
        const network = proxies().each.get(port(brokers()[leader - 1]))?.network;
        if (!network) throw new Error(`no proxy before broker ${leader}`);
        network.isBlackhole = true;
        await sleep(BLACKHOLE_MS).finally(() => (network.isBlackhole = false));
      },
    },
    {
      name: 'connections that are reset twice a second',
      happen: async () => {
        let broken = 0;
        for (let round = 0; round < RESETS; round += 1) {
          broken += proxies().reset();
          await sleep(RESET_EVERY_MS);
        }
        if (broken < RESETS) throw new Error(`only ${broken} connections were there to be reset`);
      },
    },
    {
      name: 'swallowed acknowledgements of the relay',
      happen: async site => {
        const before = await repetitions(site);
        for (const how of LOSSES) {
          const swallowed = proxies().swallowed();
          proxies().swallowNext(how);
          await eventually(
            'a swallowed acknowledgement',
            () => Promise.resolve(proxies().swallowed() > swallowed),
            60_000,
          );
        }
        await eventually(
          'repetitions on Kafka',
          async () => (await repetitions(site)) > before,
          60_000,
          1_000,
        );
      },
    },
  ];
};
