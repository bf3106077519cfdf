import { describe, expect, it } from '@jest/globals';
import { partitionKey } from '../port/log-record.js';
import { eventually } from './eventually.js';
import { keyIn, specRecord } from './spec-record.js';
import type { ContractContext } from './subscription-harness.js';

/** Where a subscription begins, with and without a group. */
export function startContract(c: ContractContext): void {
  describe('begins', () => {
    const key = keyIn(7);
    const at = partitionKey({ topic: 'requests', partition: 7 });

    /** Appends records whose times are all later than everything before. */
    async function appendLater(count: number): Promise<{ ids: string[]; since: number }> {
      const started = Date.now();
      await eventually('the next millisecond', () => Date.now() > started + 2);
      const since = Date.now();
      await eventually('the next millisecond', () => Date.now() > since);
      const records = Array.from({ length: count }, () => specRecord(key));
      await c.harness().append(records);
      return { ids: records.map(r => r.eventId), since };
    }

    it.each([
      ['a group without commits', true],
      ['a reader without a group', false],
    ])('%s at the first record, at a time, or at given offsets', async (_who, grouped) => {
      const old = await appendLater(3);
      const young = await appendLater(3);
      const who = (): { group?: string } => (grouped ? { group: c.group() } : {});
      const earliest = await c.member({ ...who(), from: 'earliest' });
      await eventually('delivery from the first', () => earliest.has([...old.ids, ...young.ids]));
      const timed = await c.member({ ...who(), from: { timestamp: young.since } });
      await eventually('delivery from the time', () => timed.has(young.ids));
      expect(timed.ids(key)).toEqual(young.ids);
      const second = earliest.records(key).find(r => r.headers.ce_id === young.ids[1]);
      const given = await c.member({
        ...who(),
        from: { offsets: new Map([[at, second?.offset ?? 0n]]) },
      });
      await eventually('delivery from the offsets', () => given.has(young.ids.slice(1)));
      expect(given.ids(key)).toEqual(young.ids.slice(1));
    });

    it('a group with a commit there, whatever else it asks for', async () => {
      const group = c.group();
      const { ids } = await appendLater(3);
      const first = await c.member({ group });
      await eventually('delivery', () => first.has(ids));
      await first.commitDelivered();
      await first.consumer.stop({ drainMs: 0 });
      const more = await appendLater(1);
      const second = await c.member({ group, from: 'earliest' });
      await eventually('delivery', () => second.has(more.ids));
      expect(second.ids(key)).toEqual(more.ids);
    });

    it('finds the first offset at or after a time, and the end', async () => {
      const { ids, since } = await appendLater(2);
      const seen = await c.member({ from: 'earliest' });
      await eventually('delivery', () => seen.has(ids));
      const first = seen.records(key).find(r => r.headers.ce_id === ids[0]);
      const { admin } = c.harness();
      expect((await admin.offsetsForTime('requests', since)).get(at)).toBe(first?.offset);
      const end = (await admin.endOffsets('requests')).get(at);
      expect(end).toBe((seen.records(key).at(-1)?.offset ?? 0n) + 1n);
      expect((await admin.offsetsForTime('requests', Date.now() + 3_600_000)).get(at)).toBe(end);
    });

    it('once: a second start is refused', async () => {
      const member = await c.member({ group: c.group() });
      await expect(
        member.consumer.start({ topics: ['requests'], from: 'earliest', onRecords: () => undefined }),
      ).rejects.toMatchObject({ code: 'log.already-started' });
    });

    it('readers without a group that each see everything and commit nothing', async () => {
      const { ids } = await appendLater(2);
      const [a, b] = await Promise.all([c.member({ from: 'earliest' }), c.member({ from: 'earliest' })]);
      await eventually('delivery to both', () => a.has(ids) && b.has(ids));
      await a.commitDelivered();
      await a.consumer.stop({ drainMs: 0 });
      const again = await c.member({ from: 'committed' });
      await eventually('delivery of everything', () => again.has(ids));
    });
  });
}
