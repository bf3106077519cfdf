import { describe, expect, it } from '@jest/globals';
import { partitionKey, type TopicPartition } from '../port/log-record.js';
import { PARTITIONS } from '../partitioner.js';
import { expectDense } from './delivery-contract.js';
import { eventually } from './eventually.js';
import { keyIn, specRecord } from './spec-record.js';
import type { ContractContext } from './subscription-harness.js';

/** Readers that fail, and readers that leave. */
export function readerContract(c: ContractContext): void {
  const here: TopicPartition = { topic: 'requests', partition: 20 };
  const key = keyIn(20);
  const at = partitionKey(here);

  async function append(count: number): Promise<string[]> {
    const records = Array.from({ length: count }, () => specRecord(key));
    await c.harness().append(records);
    return records.map(r => r.eventId);
  }

  describe('a reader', () => {
    it('that cannot prepare for its partitions is asked again, and gets nothing before it can', async () => {
      const ids = await append(3);
      let [attempts, tooEarly] = [0, 0];
      const seen = await c.member({
        group: c.group(),
        onAssigned: () => {
          attempts += 1;
          return attempts < 3 ? Promise.reject(new Error('its database is away')) : Promise.resolve();
        },
        onRecords: () => {
          if (attempts < 3) tooEarly += 1;
        },
      });
      await eventually('delivery', () => seen.has(ids));
      expect([attempts, tooEarly]).toEqual([3, 0]);
    });

    it('that throws on delivery ends the subscription; nothing after that is delivered or lost', async () => {
      const group = c.group();
      const ids = await append(3);
      let thrown = 0;
      const broken = await c.member({
        group,
        onRecords: tp => {
          if (partitionKey(tp) !== at) return;
          thrown += 1;
          throw new Error('a bug of the reader');
        },
      });
      await eventually('the fatal error', () => broken.fatal.length > 0);
      expect([thrown, broken.fatal.length]).toEqual([1, 1]);
      const witness = await c.member();
      const more = await append(2);
      await eventually('delivery to the witness', () => witness.has(more));
      expect(thrown).toBe(1);
      await broken.consumer.stop({ drainMs: 0 });
      const next = await c.member({ group });
      await eventually('delivery to the next', () => next.has([...ids, ...more]));
    });

    it('that stops is told first, may still commit, and gets nothing afterwards', async () => {
      const group = c.group();
      const ids = await append(4);
      const consumer = c.harness().makeConsumer();
      let next = 0n;
      const seen = await c.member(
        {
          group,
          onRecords: (tp, records) => {
            if (partitionKey(tp) === at) next = (records.at(-1)?.offset ?? 0n) + 1n;
          },
          onRevoked: async (_tps, epoch) => {
            await new Promise(resolve => setImmediate(resolve));
            await consumer.commit(new Map([[at, next]]), epoch);
          },
        },
        consumer,
      );
      await eventually('delivery', () => seen.has(ids));
      await consumer.stop({ drainMs: 5_000 });
      await consumer.stop({ drainMs: 5_000 });
      expect(new Set(seen.revoked.map(r => partitionKey(r.tp))).size).toBe(2 * PARTITIONS);
      expect(seen.assigned.size).toBe(0);
      const told = seen.deliveries.length;
      const more = await append(2);
      const heir = await c.member({ group });
      await eventually('delivery to the next', () => heir.has(more));
      expect(heir.ids(key)).toEqual(more);
      expect(seen.deliveries).toHaveLength(told);
    });

    it('that never finishes does not hold up the end', async () => {
      const group = c.group();
      const seen = await c.member({ group, onRevoked: () => new Promise(() => undefined) });
      await eventually('assignment', () => seen.assigned.size === 2 * PARTITIONS);
      await seen.consumer.stop({ drainMs: 50 });
      const ids = await append(1);
      const next = await c.member({ group });
      await eventually('delivery to the next', () => next.has(ids));
    });

    it('that stops while records stream in leaves nothing behind for the next', async () => {
      const group = c.group();
      const sent: string[] = [];
      const first = await c.member({ group });
      const writing = (async () => {
        for (let i = 0; i < 40; i += 1) sent.push(...(await append(2)));
      })();
      await eventually('some deliveries', () => first.records(key).length > 10);
      await first.commitDelivered();
      const committed = (await c.harness().committed(group)).get(at) ?? 0n;
      await first.consumer.stop({ drainMs: 0 });
      await writing;
      const second = await c.member({ group });
      await eventually('delivery of the rest', () => second.has(sent.slice(-1)));
      expect(second.records(key)[0]?.offset).toBe(committed);
      const delivered = new Set([...first.ids(key), ...second.ids(key)]);
      expect(sent.filter(id => !delivered.has(id))).toEqual([]);
      expectDense(second.deliveries);
    });
  });
}
