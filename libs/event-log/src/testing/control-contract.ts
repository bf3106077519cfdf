import { beforeEach, describe, expect, it } from '@jest/globals';
import { partitionKey, type TopicPartition } from '../port/log-record.js';
import { PARTITIONS } from '../partitioner.js';
import { expectDense } from './delivery-contract.js';
import { eventually } from './eventually.js';
import type { ObservedMember } from './observed-member.js';
import { keyIn, specRecord } from './spec-record.js';
import type { ContractContext } from './subscription-harness.js';

const everything: readonly TopicPartition[] = ['requests', 'outcomes'].flatMap(topic =>
  Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })),
);

/** Pauses with reasons, seeks, commits, lag. */
export function controlContract(c: ContractContext): void {
  const here: TopicPartition = { topic: 'requests', partition: 10 };
  let [key, elsewhere] = ['', ''];
  beforeEach(() => {
    [key, elsewhere] = [keyIn(10), keyIn(11)];
  });

  async function append(...keys: string[]): Promise<string[]> {
    const records = keys.map(k => specRecord(k));
    await c.harness().append(records);
    return records.map(r => r.eventId);
  }

  /** Appends a record and waits until a reader without pauses has it, so that a paused one could have it too. */
  async function readable(witness: ObservedMember, ...keys: string[]): Promise<string[]> {
    const ids = await append(...keys);
    await eventually('delivery to the witness', () => witness.has(ids));
    return ids;
  }

  describe('pauses', () => {
    it('a partition until every reason is taken back, while others flow, and loses nothing', async () => {
      const seen = await c.member({ group: c.group() });
      seen.consumer.pause([here], 'breaker');
      seen.consumer.pause([here], 'backpressure');
      const held = await append(key, key);
      for (const reason of ['breaker', 'unknown']) {
        seen.consumer.resume([here], reason);
        const free = await append(elsewhere);
        await eventually('delivery elsewhere', () => seen.has(free));
        expect(seen.records(key)).toEqual([]);
      }
      seen.consumer.resume([here], 'backpressure');
      await eventually('delivery after the pause', () => seen.has(held));
      expect(seen.ids(key)).toEqual(held);
      expectDense(seen.deliveries);
    });

    it('everything by one reason although another comes and goes on one partition', async () => {
      const [seen, witness] = await Promise.all([c.member({ group: c.group() }), c.member()]);
      seen.consumer.pause(everything, 'breaker');
      seen.consumer.pause([here], 'backpressure');
      const first = await readable(witness, key, elsewhere);
      seen.consumer.resume([here], 'backpressure');
      const second = await readable(witness, key, elsewhere);
      expect([...seen.ids(key), ...seen.ids(elsewhere)]).toEqual([]);
      seen.consumer.resume(everything, 'breaker');
      await eventually('delivery', () => seen.has([...first, ...second]));
      expect(seen.ids(key)).toEqual([first[0], second[0]]);
    });

    it('from inside a delivery: nothing more comes, and the rest comes later', async () => {
      const ids = await append(...Array.from({ length: 30 }, () => key));
      const consumer = c.harness().makeConsumer();
      let [deliveries, pausedAfter] = [0, 0];
      const seen = await c.member(
        {
          group: c.group(),
          onRecords: tp => {
            if (partitionKey(tp) !== partitionKey(here)) return;
            deliveries += 1;
            if (pausedAfter > 0) return;
            consumer.pause([here], 'backpressure');
            pausedAfter = deliveries;
          },
        },
        consumer,
      );
      await eventually('the pause', () => pausedAfter > 0);
      const held = await append(key);
      const free = await append(elsewhere);
      await eventually('delivery elsewhere', () => seen.has(free));
      expect(deliveries).toBe(pausedAfter);
      consumer.resume([here], 'backpressure');
      await eventually('the rest', () => seen.has([...ids, ...held]));
      expectDense(seen.deliveries);
    });

    it('before the first record when called while partitions are assigned', async () => {
      const held = await append(key);
      const consumer = c.harness().makeConsumer();
      const seen = await c.member(
        {
          group: c.group(),
          onAssigned: tps =>
            consumer.pause(
              tps.filter(tp => partitionKey(tp) === partitionKey(here)),
              'admin',
            ),
        },
        consumer,
      );
      const free = await append(elsewhere);
      await eventually('delivery elsewhere', () => seen.has(free));
      expect(seen.records(key)).toEqual([]);
      consumer.resume([here], 'admin');
      await eventually('delivery', () => seen.has(held));
    });

    it('nothing that it does not own: strangers are ignored', async () => {
      const seen = await c.member({ group: c.group() });
      const stranger = { topic: 'requests', partition: PARTITIONS + 1 };
      seen.consumer.pause([stranger], 'admin');
      seen.consumer.resume([stranger], 'admin');
      await seen.consumer.seek(new Map([[partitionKey(stranger), 5n]]));
      const ids = await append(key);
      await eventually('delivery', () => seen.has(ids));
    });
  });

  describe('seeks', () => {
    it('while partitions are assigned, before the first record, however long that takes', async () => {
      const ids = await append(...Array.from({ length: 6 }, () => key));
      const witness = await c.member();
      await eventually('delivery to the witness', () => witness.has(ids));
      const third = witness.records(key).find(r => r.headers.ce_id === ids[3]);
      const consumer = c.harness().makeConsumer();
      const gate = Promise.withResolvers<void>();
      let tooEarly = 0;
      let open = false;
      const starting = c.member(
        {
          group: c.group(),
          onAssigned: async () => {
            await gate.promise;
            await consumer.seek(new Map([[partitionKey(here), third?.offset ?? 0n]]));
            open = true;
          },
          onRecords: () => {
            if (!open) tooEarly += 1;
          },
        },
        consumer,
      );
      await readable(witness, elsewhere);
      gate.resolve();
      const seen = await starting;
      await eventually('delivery', () => seen.has(ids.slice(3)));
      expect(seen.ids(key)).toEqual(ids.slice(3));
      expect(tooEarly).toBe(0);
    });

    it('back and forth, at once: after the call only the new position is delivered', async () => {
      const ids = await append(...Array.from({ length: 8 }, () => key));
      const seen = await c.member({ group: c.group() });
      await eventually('delivery', () => seen.has(ids));
      const target = seen.records(key).find(r => r.headers.ce_id === ids[2]);
      if (!target) throw new Error('nothing was delivered');
      for (let round = 0; round < 3; round += 1) {
        const more = await append(key);
        const before = seen.deliveries.length;
        await seen.consumer.seek(new Map([[partitionKey(here), target.offset]]));
        await eventually('delivery again', () =>
          seen.deliveries.slice(before).some(d => d.record.headers.ce_id === more[0]),
        );
        const after = seen.deliveries.slice(before).map(d => d.record);
        const mine = after.filter(r => partitionKey(r) === partitionKey(here));
        expect(mine[0]?.logOffset).toBe(target.logOffset);
        mine.forEach((r, i) => expect(r.logOffset).toBe(target.logOffset + BigInt(i)));
      }
    });
  });

  describe('commits', () => {
    it('never backwards, never with an epoch that is over, never what it does not own', async () => {
      const group = c.group();
      const ids = await append(...Array.from({ length: 5 }, () => key));
      const seen = await c.member({ group });
      await eventually('delivery', () => seen.has(ids));
      const last = seen.records(key).at(-1);
      if (!last) throw new Error('nothing was delivered');
      const at = partitionKey(here);
      const epoch = seen.epochOf(here);
      await seen.consumer.commit(new Map([[at, last.offset]]), epoch);
      await seen.consumer.commit(new Map([[at, last.offset - 2n]]), epoch);
      await seen.consumer.commit(new Map([[at, last.offset + 1n]]), epoch - 1);
      await seen.consumer.commit(new Map([[at, last.offset + 1n]]), epoch + 1);
      await seen.consumer.commit(new Map([[`requests/${PARTITIONS + 1}`, 1n]]), epoch);
      expect((await c.harness().committed(group)).get(at)).toBe(last.offset);
    });

    it('in order although calls overlap', async () => {
      const group = c.group();
      const ids = await append(...Array.from({ length: 10 }, () => key));
      const seen = await c.member({ group });
      await eventually('delivery', () => seen.has(ids));
      const offsets = seen.records(key).map(r => r.offset);
      const epoch = seen.epochOf(here);
      await Promise.all(
        [...offsets, ...offsets.slice(0, 3)].map(offset =>
          seen.consumer.commit(new Map([[partitionKey(here), offset]]), epoch),
        ),
      );
      expect((await c.harness().committed(group)).get(partitionKey(here))).toBe(offsets.at(-1));
    });
  });

  it('tells the lag: what lies between the delivered position and the end', async () => {
    const at = partitionKey(here);
    const seen = await c.member({ group: c.group() });
    const ids = await append(key);
    await eventually('delivery', () => seen.has(ids));
    await eventually('no lag', async () => (await seen.consumer.lag()).get(at) === 0n);
    expect((await seen.consumer.lag()).size).toBe(2 * PARTITIONS);
    seen.consumer.pause([here], 'admin');
    await append(key, key, key);
    await eventually('a lag of three', async () => (await seen.consumer.lag()).get(at) === 3n);
    seen.consumer.resume([here], 'admin');
    await eventually('no lag again', async () => (await seen.consumer.lag()).get(at) === 0n);
  });
}
