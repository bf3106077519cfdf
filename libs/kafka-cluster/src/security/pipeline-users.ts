/** A user of the brokers and all it may do. */
export type KafkaUser = {
  name: string;
  reads: readonly string[];
  writes: readonly string[];
  /** The one consumer group it may join. */
  group?: string;
};

const REQUESTS = 'requests';
const OUTCOMES = 'outcomes';

/**
 * Who may do what on the brokers: only the relay writes, a connector reads requests and nothing else, and what folds the
 * whole log reads both topics. A group is named as its app names it.
 */
export function pipelineUsers(instances: readonly string[]): KafkaUser[] {
  return [
    { name: 'relay', reads: [], writes: [REQUESTS, OUTCOMES] },
    { name: 'coordinator', reads: [REQUESTS, OUTCOMES], writes: [], group: 'coordinator' },
    { name: 'projector', reads: [REQUESTS, OUTCOMES], writes: [], group: 'projector' },
    ...instances.map(id => ({
      name: `connector-${id}`,
      reads: [REQUESTS],
      writes: [],
      group: `connector-${id}`,
    })),
  ];
}
