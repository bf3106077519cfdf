import { dueMember } from '@sever/event-log';
import kafkajs, { type PartitionAssigner } from 'kafkajs';

const { AssignerProtocol } = kafkajs;
const NAME = 'sever-co-partitioned';
const VERSION = 1;

/**
 * Gives partition p of every topic to the same member, as the log in PostgreSQL does: one process sees all of a subject. The
 * client's own round-robin counts over all topics and would part them.
 */
export const coPartitionedAssigner: PartitionAssigner = ({ cluster }) => ({
  name: NAME,
  version: VERSION,
  protocol: ({ topics }) => ({
    name: NAME,
    metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.alloc(0) }),
  }),
  assign: ({ members, topics }) => {
    const ids = members.map(m => m.memberId);
    return Promise.resolve(
      ids.map(memberId => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: VERSION,
          assignment: Object.fromEntries(
            topics.map(topic => [
              topic,
              cluster
                .findTopicPartitionMetadata(topic)
                .map(p => p.partitionId)
                .filter(partition => dueMember(ids, partition) === memberId),
            ]),
          ),
          userData: Buffer.alloc(0),
        }),
      })),
    );
  },
});
