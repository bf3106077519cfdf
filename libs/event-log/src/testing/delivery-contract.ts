import { describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { partitionKey, type LogRecord } from '../port/log-record.js';
import { PARTITIONS, partitionOf } from '../partitioner.js';
import { eventually } from './eventually.js';
import type { Delivery } from './observed-member.js';
import { keyIn, specRecord } from './spec-record.js';
import type { ContractContext } from './subscription-harness.js';

/** Delivery: everything, unchanged, in order, at least once, once inside an epoch. */
export function deliveryContract(c: ContractContext): void {
  describe('delivers', () => {
    it('every partition of every topic, in order per key, each record under the identity that the writer gave it', async () => {
      const keys = Array.from({ length: PARTITIONS }, (_, partition) => keyIn(partition));
      const rounds = Array.from({ length: 3 }, () =>
        keys.flatMap(key => [specRecord(key), specRecord(key, { topic: 'outcomes' })]),
      );
      const appended = [];
      for (const records of rounds) appended.push(...(await c.harness().append(records)));
      const seen = await c.member({ group: c.group() });
      const sent = rounds.flat();
      await eventually('delivery', () => seen.has(sent.map(r => r.eventId)));
      for (const key of keys)
        for (const topic of ['requests', 'outcomes']) {
          const got = seen.records(key).filter(r => r.topic === topic);
          expect(got.map(r => r.headers.ce_id)).toEqual(
            sent.filter(r => r.key === key && r.topic === topic).map(r => r.eventId),
          );
          expect(new Set(got.map(r => r.partition))).toEqual(new Set([partitionOf(key)]));
        }
      const place = new Map(appended.map(a => [a.eventId, a]));
      for (const record of seen.records().filter(r => keys.includes(r.key)))
        expect(record).toMatchObject({
          topic: place.get(record.headers.ce_id ?? '')?.topic,
          partition: place.get(record.headers.ce_id ?? '')?.partition,
          logOffset: place.get(record.headers.ce_id ?? '')?.logOffset,
        });
    });

    it('the exact bytes, headers, key, type and time of a record, up to the largest allowed value', async () => {
      const key = `spëc:${randomUUID()}-日本`;
      const before = Date.now();
      const sent = [
        specRecord(key, { value: Buffer.from([0, 255, 13, 10, 0]), type: 'sever.spec.odd.v7' }),
        specRecord(key, { value: randomBytes(60_000) }),
        specRecord(key, { value: Buffer.from('{"b":1, "a" : 2}') }),
      ].map((record, i) => ({
        ...record,
        headers: {
          ce_id: record.eventId,
          ce_type: record.type,
          quoted: '"\\ ünï \u0001',
          empty: '',
          n: String(i),
        },
      }));
      await c.harness().append(sent);
      const seen = await c.member({ group: c.group() });
      await eventually('delivery', () => seen.has(sent.map(r => r.eventId)));
      const got = seen.records(key);
      expect(got.map(r => [r.key, r.type, r.headers])).toEqual(sent.map(r => [r.key, r.type, r.headers]));
      expect(got.map(r => r.value.equals(sent[Number(r.headers.n)]?.value ?? Buffer.alloc(0)))).toEqual(
        sent.map(() => true),
      );
      for (const { timestamp } of got) {
        expect(timestamp).toBeGreaterThanOrEqual(before - 1_000);
        expect(timestamp).toBeLessThanOrEqual(Date.now() + 1_000);
      }
    });

    it('without a gap or a repetition inside an epoch while others append', async () => {
      const group = c.group();
      const [one, two] = [keyIn(3), keyIn(4)];
      const seen = await c.member({ group });
      const sent: string[] = [];
      const writer = async (): Promise<void> => {
        for (let i = 0; i < 15; i += 1) {
          const batch = [specRecord(one), specRecord(two), specRecord(one, { topic: 'outcomes' })];
          sent.push(...batch.map(r => r.eventId));
          await c.harness().append(batch);
        }
      };
      await Promise.all([writer(), writer(), writer(), writer()]);
      await eventually('delivery', () => seen.has(sent));
      expectDense(seen.deliveries);
    });

    it('again what was not committed, and nothing that was', async () => {
      const group = c.group();
      const key = keyIn(5);
      const sent = Array.from({ length: 20 }, () => specRecord(key));
      await c.harness().append(sent);
      const first = await c.member({ group });
      await eventually('delivery', () => first.has(sent.map(r => r.eventId)));
      const middle = first.records(key)[9];
      if (!middle) throw new Error('nothing was delivered');
      await first.consumer.commit(
        new Map([[partitionKey(middle), middle.offset + 1n]]),
        first.epochOf(middle),
      );
      await first.consumer.stop({ drainMs: 0 });
      const more = specRecord(key);
      await c.harness().append([more]);
      const second = await c.member({ group });
      await eventually('delivery of the rest', () => second.has([more.eventId]));
      expect(second.ids(key)).toEqual([...sent.slice(10), more].map(r => r.eventId));
    });
  });
}

/** Inside an epoch the log offsets of a partition are contiguous and ascending. */
export function expectDense(deliveries: readonly Delivery[]): void {
  const last = new Map<string, LogRecord>();
  for (const { record, epoch } of deliveries) {
    const at = `${partitionKey(record)} in epoch ${epoch}`;
    const before = last.get(at);
    if (before) {
      expect(`${at}: ${record.logOffset}`).toBe(`${at}: ${before.logOffset + 1n}`);
      expect(record.offset > before.offset).toBe(true);
    }
    last.set(at, record);
  }
}
