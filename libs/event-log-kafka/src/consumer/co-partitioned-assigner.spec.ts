import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import kafkajs, { type Assigner, type Cluster, type PartitionAssigner } from 'kafkajs';
import { coPartitionedAssigner } from './co-partitioned-assigner.js';

const COUNT = 48;
const TOPICS = ['requests', 'outcomes'];
const cluster = {
  findTopicPartitionMetadata: () => Array.from({ length: COUNT }, (_, partitionId) => ({ partitionId })),
} as unknown as Cluster;
const logger = new kafkajs.Kafka({ brokers: ['none:1'], logLevel: 0 }).logger();
const made = (assigner: PartitionAssigner): Assigner => assigner({ cluster, groupId: 'g', logger });

/** Member -> topic -> partitions. */
async function assign(
  assigner: PartitionAssigner,
  ids: readonly string[],
): Promise<Map<string, Record<string, number[]>>> {
  const members = ids.map(memberId => ({ memberId, memberMetadata: Buffer.alloc(0) }));
  const found = await made(assigner).assign({ members, topics: TOPICS });
  return new Map(
    found.map(({ memberId, memberAssignment }) => [
      memberId,
      kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {},
    ]),
  );
}

const property = (assigner: PartitionAssigner): fc.IAsyncProperty<unknown> =>
  fc.asyncProperty(fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 60 }), async ids => {
    const assignment = await assign(assigner, ids);
    for (const topic of TOPICS) {
      const all = [...assignment.values()].flatMap(a => a[topic] ?? []);
      expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    }
    for (const a of assignment.values()) expect(new Set(a['requests'])).toEqual(new Set(a['outcomes']));
    expect(await assign(assigner, [...ids].reverse())).toEqual(assignment);
  });

describe('the assigner', () => {
  it('gives each partition to one member, and both topics of a partition to the same', async () => {
    await fc.assert(property(coPartitionedAssigner), { numRuns: 30 });
  });

  it("is told from the client's own, which parts the topics", async () => {
    const found = await fc.check(property(kafkajs.PartitionAssigners.roundRobin));
    expect(found.failed).toBe(true);
  });

  it('says its name and its topics', () => {
    const { name, metadata } = made(coPartitionedAssigner).protocol({ topics: TOPICS });
    expect(name).toBe('sever-co-partitioned');
    expect(kafkajs.AssignerProtocol.MemberMetadata.decode(metadata)?.topics).toEqual(TOPICS);
  });
});
