import type { NewRecord, TopicPartition } from './log-record.js';

/** Where an appended record went. `duplicate`: the event id was in the topic already, nothing was written. */
export type Appended = TopicPartition & { eventId: string; logOffset: bigint; duplicate: boolean };

/**
 * Appends to the log inside the caller's transaction, as its last step: domain rows first, one append, commit.
 * A second append in one transaction can deadlock.
 * `Tx` is the running transaction of the adapter's database.
 */
export interface EventLogWriter<Tx> {
  append(tx: Tx, records: readonly NewRecord[]): Promise<readonly Appended[]>;
  /** Tells waiting readers that something was committed. A hint: call it after the commit, never inside. */
  wake(): void;
}
