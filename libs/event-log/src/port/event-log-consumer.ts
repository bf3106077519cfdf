import type { LogRecord, Offsets, TopicPartition } from './log-record.js';

/** Where a subscription begins: the group's committed offsets, the first record, a time in milliseconds, or given offsets. */
export type StartFrom = 'committed' | 'earliest' | { timestamp: number } | { offsets: Offsets };

export type ConsumerStart = {
  /** Consumer group; undefined reads every partition alone and commits nothing. */
  group?: string;
  topics: readonly string[];
  from: StartFrom;
  /** Partitions became this member's. May be async: records flow once it resolves. */
  onAssigned?: (partitions: readonly TopicPartition[], epoch: number) => void | Promise<void>;
  /** Partitions are about to be given up: finish and commit; awaited up to the hand-over timeout. */
  onRevoked?: (partitions: readonly TopicPartition[], epoch: number) => void | Promise<void>;
  /** Records of one partition in order. Only enqueue here. */
  onRecords: (partition: TopicPartition, records: readonly LogRecord[], epoch: number) => void;
  /** The subscription cannot go on (lost membership, unusable position): the process should stop and be restarted. */
  onFatal?: (error: Error) => void;
};

/** A subscription to the log: at least once, in order per partition. */
export interface EventLogConsumer {
  start(o: ConsumerStart): Promise<void>;
  /** Stops delivery of these partitions until every reason has been taken back. */
  pause(partitions: readonly TopicPartition[], reason: string): void;
  resume(partitions: readonly TopicPartition[], reason: string): void;
  /** Stores the next offsets of the group; drops what `epoch` does not own any more, never moves backwards. */
  commit(offsets: Offsets, epoch: number): Promise<void>;
  /** Continues delivery at the given offsets (partitions of the current assignment). */
  seek(offsets: Offsets): Promise<void>;
  /** Records between the delivered position and the end, per partition. */
  lag(): Promise<Offsets>;
  stop(o: { drainMs: number }): Promise<void>;
}
