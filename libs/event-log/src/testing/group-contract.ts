import { describe, expect, it } from '@jest/globals';
import { partitionKey, type PartitionKey } from '../port/log-record.js';
import { PARTITIONS } from '../partitioner.js';
import { expectDense } from './delivery-contract.js';
import { eventually } from './eventually.js';
import type { ObservedMember } from './observed-member.js';
import { keyIn, specRecord } from './spec-record.js';
import type { ContractContext } from './subscription-harness.js';

/** Groups: sharing, hand-over, take-over, and the dead that come back. */
export function groupContract(c: ContractContext): void {
  const keys = Array.from({ length: PARTITIONS }, (_, partition) => keyIn(partition));

  async function appendToAll(): Promise<string[]> {
    const records = keys.flatMap(key => [specRecord(key), specRecord(key, { topic: 'outcomes' })]);
    await c.harness().append(records);
    return records.map(r => r.eventId);
  }

  /** Everything is owned by exactly one of them, about equally, both topics of a partition by the same. */
  async function shared(...members: ObservedMember[]): Promise<void> {
    await eventually('sharing', () => {
      const all = members.flatMap(m => [...m.assigned.keys()]);
      return (
        all.length === 2 * PARTITIONS &&
        new Set(all).size === all.length &&
        members.every(m => m.assigned.size >= 2 * Math.floor(PARTITIONS / members.length))
      );
    });
    for (const { assigned } of members)
      for (const key of assigned.keys()) expect(assigned.has(counterpart(key))).toBe(true);
  }

  /** Offsets of a group that have arrived where they are kept. */
  async function committedAll(
    group: string,
    members: readonly ObservedMember[],
  ): Promise<Map<string, bigint>> {
    for (const member of members) await member.commitDelivered();
    const ends = new Map<PartitionKey, bigint>();
    for (const topic of ['requests', 'outcomes'])
      for (const [key, end] of await c.harness().admin.endOffsets(topic)) ends.set(key, end);
    const committed = await c.harness().committed(group);
    for (const [key, end] of ends) expect(`${key}: ${committed.get(key)}`).toBe(`${key}: ${end}`);
    return new Map(committed);
  }

  /** No delivery after a mark lies before what was committed then. */
  function expectNothingTwice(
    committed: ReadonlyMap<string, bigint>,
    members: readonly { member: ObservedMember; from: number }[],
  ): void {
    for (const { member, from } of members)
      for (const { record } of member.deliveries.slice(from))
        expect(record.offset >= (committed.get(partitionKey(record)) ?? 0n)).toBe(true);
  }

  describe('a group', () => {
    it('shares the partitions, keeps both topics of a partition together, hands over without loss and repeats nothing committed', async () => {
      const group = c.group();
      const a = await c.member({ group });
      await shared(a);
      const first = await appendToAll();
      await eventually('delivery', () => a.has(first));
      const before = await committedAll(group, [a]);

      const marks = { a: a.deliveries.length };
      const appending = appendToAll();
      const b = await c.member({ group });
      await shared(a, b);
      const second = [...(await appending), ...(await appendToAll())];
      await eventually('delivery to both', () => unseen(second, a, b).length === 0);
      expectNothingTwice(before, [
        { member: a, from: marks.a },
        { member: b, from: 0 },
      ]);
      await eventually('delivery to the owners', () => ownersHave(second, a, b));
      const middle = await committedAll(group, [a, b]);

      const marksB = b.deliveries.length;
      const more = appendToAll();
      await a.consumer.stop({ drainMs: 100 });
      await shared(b);
      const third = [...(await more), ...(await appendToAll())];
      await eventually('delivery to the last', () => unseen(third, a, b).length === 0);
      expectNothingTwice(middle, [{ member: b, from: marksB }]);
      for (const m of [a, b]) expectDense(m.deliveries);
    });

    it('gives three members a share each and takes back the share of one that leaves', async () => {
      const group = c.group();
      const [one, two, three] = await Promise.all([
        c.member({ group }),
        c.member({ group }),
        c.member({ group }),
      ]);
      await shared(one, two, three);
      await two.consumer.stop({ drainMs: 0 });
      await shared(one, three);
    });

    it('takes over from a member that fell silent, which then can no longer commit', async () => {
      const group = c.group();
      const { consumer, freeze, thaw } = await c.harness().makeFreezable();
      const zombie = await c.member({ group }, consumer);
      await shared(zombie);
      const first = await appendToAll();
      await eventually('delivery', () => zombie.has(first));
      const epochs = new Map(zombie.assigned);
      const seen = zombie.records();
      freeze();
      const heir = await c.member({ group });
      await shared(heir);
      await eventually('delivery to the heir', () => heir.has(first));
      const second = await appendToAll();
      await eventually('delivery of the rest', () => heir.has(second));
      await heir.commitDelivered();
      const before = await c.harness().committed(group);

      const late = new Map<number, Map<PartitionKey, bigint>>();
      for (const record of seen) {
        const epoch = epochs.get(partitionKey(record)) ?? 0;
        const offsets = late.get(epoch) ?? new Map<PartitionKey, bigint>();
        late.set(epoch, offsets.set(partitionKey(record), record.offset + 1n));
      }
      thaw();
      for (const [epoch, offsets] of late)
        await consumer.commit(offsets, epoch).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'EventLogError' });
        });
      expect(await c.harness().committed(group)).toEqual(before);
      await eventually(
        'the end of the old epochs',
        () =>
          zombie.fatal.length > 0 || [...epochs].every(([key, epoch]) => zombie.assigned.get(key) !== epoch),
      );
    });
  });
}

const counterpart = (key: PartitionKey): PartitionKey =>
  (key.startsWith('requests/')
    ? key.replace('requests/', 'outcomes/')
    : key.replace('outcomes/', 'requests/')) as PartitionKey;

function unseen(ids: readonly string[], ...members: readonly ObservedMember[]): string[] {
  const seen = new Set(members.flatMap(m => m.ids()));
  return ids.filter(id => !seen.has(id));
}

/** Every record has come to the member that owns its partition now, in the epoch it owns it in. */
function ownersHave(ids: readonly string[], ...members: readonly ObservedMember[]): boolean {
  const seen = new Set(
    members.flatMap(m =>
      m.deliveries
        .filter(d => m.assigned.get(partitionKey(d.record)) === d.epoch)
        .map(d => d.record.headers.ce_id),
    ),
  );
  return ids.every(id => seen.has(id));
}
