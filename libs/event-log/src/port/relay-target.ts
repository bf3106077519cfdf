import type { LogRecord, Offsets } from './log-record.js';

/**
 * The log that the relay forwards to. Records keep their topic, partition, key, headers and bytes; their `logOffset` travels with them.
 * One call at a time: after a failure the caller sends exactly the same batch again.
 */
export interface RelayTarget {
  /** Name of the log behind the addresses, for example a cluster id: positions hold for one log only. */
  identity(): Promise<string>;
  /** The next offset of each partition of a topic. Smaller than what {@link send} told means that the target lost records. */
  endOffsets(topic: string): Promise<Offsets>;
  /**
   * Appends in order; resolves after the durable acknowledgement of every record. Rejects when that is not certain.
   * @returns the target's own offset behind the batch, for each partition of it
   */
  send(batch: readonly LogRecord[]): Promise<Offsets>;
}
