import type { LogRecord, Offsets, PartitionKey } from '@sever/event-log';

/**
 * How far a partition was forwarded: the next log offset, and the target's own offset right behind what it acknowledged. The two part when
 * something was sent twice; a target whose end is below the second one has lost records, however often it holds others.
 */
export type Forwarded = { next: bigint; end: bigint };
export type ForwardedPartitions = ReadonlyMap<PartitionKey, Forwarded>;

/** What the relay needs of the log that it reads and of the database that remembers its progress. */
export interface RelayStore {
  /** Takes the lease if it is free. @returns its new epoch, or undefined while another relay holds it */
  acquire(): Promise<bigint | undefined>;
  /** Keeps the lease. @returns false when another relay has it */
  renew(epoch: bigint): Promise<boolean>;
  /** Gives the lease back so that the next relay need not wait. */
  release(epoch: bigint): Promise<void>;
  /** How far every partition of the log was forwarded to a target; 0 where nothing was yet. */
  positions(target: string): Promise<ForwardedPartitions>;
  /** At most `limit` records at or after the positions, in order per partition, from every partition that has some. */
  read(positions: Offsets, limit: number): Promise<readonly LogRecord[]>;
  /** Stores positions in one transaction. @returns false, having stored nothing, when the epoch is not the lease's any more */
  store(epoch: bigint, target: string, positions: ForwardedPartitions): Promise<boolean>;
}
