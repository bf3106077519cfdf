import type { LogRecord, Offsets, TopicPartition } from './log-record.js';

/**
 * Where a partition begins for which the group has committed nothing, and every partition of a reader without a group:
 * the first record (`committed` means the same then), the first record at or after a time in milliseconds, or given offsets.
 */
export type StartFrom = 'committed' | 'earliest' | { timestamp: number } | { offsets: Offsets };

export type ConsumerStart = {
  /** Consumer group; undefined reads every partition alone and commits nothing. */
  group?: string;
  topics: readonly string[];
  from: StartFrom;
  /**
   * Partitions became this member's. May be async: records flow once it resolves. `pause` and `seek` work inside it.
   * When it rejects, the partitions are assigned again later; without a group, `start` rejects.
   */
  onAssigned?: (partitions: readonly TopicPartition[], epoch: number) => void | Promise<void>;
  /**
   * Partitions are given up: finish and commit; awaited up to the hand-over timeout. A log that cannot announce a loss tells
   * it afterwards; a commit then has no effect.
   */
  onRevoked?: (partitions: readonly TopicPartition[], epoch: number) => void | Promise<void>;
  /** Records of one partition in order. Only enqueue here; an exception ends the subscription (`log.reader-failed`). */
  onRecords: (partition: TopicPartition, records: readonly LogRecord[], epoch: number) => void;
  /** The subscription cannot go on (lost membership, unusable position): the process should stop and be restarted. */
  onFatal?: (error: Error) => void;
};

/**
 * A subscription to the log: at least once, in order per partition, without gap or repetition inside an epoch.
 * An epoch counts the assignments of this consumer; a partition has one at a time.
 */
export interface EventLogConsumer {
  /** Once per consumer (`log.already-started`). */
  start(o: ConsumerStart): Promise<void>;
  /**
   * Stops delivery of these partitions, at once, until every reason has been taken back. An assignment forgets the reasons:
   * whoever pauses does so again in `onAssigned`.
   */
  pause(partitions: readonly TopicPartition[], reason: string): void;
  resume(partitions: readonly TopicPartition[], reason: string): void;
  /** Stores the next offsets of the group; drops what `epoch` does not own any more, never moves backwards. */
  commit(offsets: Offsets, epoch: number): Promise<void>;
  /** Continues delivery at the given offsets (partitions of the current assignment): from the call on, nothing else comes. */
  seek(offsets: Offsets): Promise<void>;
  /** Records between the delivered position and the end, per partition. */
  lag(): Promise<Offsets>;
  stop(o: { drainMs: number }): Promise<void>;
}
