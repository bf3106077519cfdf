import type { LogRecord, Offsets } from '@sever/event-log';

/** What the relay needs of the log that it reads and of the database that remembers its progress. */
export interface RelayStore {
  /** Takes the lease if it is free. @returns its new epoch, or undefined while another relay holds it */
  acquire(): Promise<bigint | undefined>;
  /** Keeps the lease. @returns false when another relay has it */
  renew(epoch: bigint): Promise<boolean>;
  /** Gives the lease back so that the next relay need not wait. */
  release(epoch: bigint): Promise<void>;
  /** The next offset of every partition of the log, for a target; 0 where nothing was forwarded yet. */
  positions(target: string): Promise<Offsets>;
  /** At most `limit` records at or after the positions, in order per partition, from every partition that has some. */
  read(positions: Offsets, limit: number): Promise<readonly LogRecord[]>;
  /** Stores positions in one transaction. @returns false, having stored nothing, when the epoch is not the lease's any more */
  store(epoch: bigint, target: string, positions: Offsets): Promise<boolean>;
}
