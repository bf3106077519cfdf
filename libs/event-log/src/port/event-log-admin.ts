import type { LogRecord, Offsets } from './log-record.js';

export type TopicSpec = { topic: string; partitions: number };

/** Topics and positions. */
export interface EventLogAdmin {
  /** Creates what is missing; refuses a partition count that differs from the stored one (`log.partition-mismatch`). */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** First offset at or after a time in milliseconds, per partition; the end where no record is that young. */
  offsetsForTime(topic: string, timestamp: number): Promise<Offsets>;
  endOffsets(topic: string): Promise<Offsets>;
}

/** Reads the log itself, which in every profile is the one in PostgreSQL. */
export interface EventLogScanner {
  /** All records of a cut, partition by partition in order, for replay and export. `to` is exclusive. */
  scan(o: {
    topics: readonly string[];
    from?: Offsets;
    to: Offsets;
    batchRecords?: number;
  }): AsyncIterable<readonly LogRecord[]>;
}
