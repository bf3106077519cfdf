import type { LogRecord } from '@sever/event-log';

/** Delivered records whose offsets differ from their log offsets by the same amount; `end` is exclusive. */
type Run = { from: bigint; end: bigint; shift: bigint };

/**
 * Which log offset is due at an offset of one partition, for what was delivered and is not committed yet. Both count up together
 * until a relay repeats something. Pure bookkeeping.
 */
export class LogPlaces {
  private runs: Run[] = [];

  /** Takes a delivery: log offsets without a gap, offsets that ascend. */
  add(records: readonly LogRecord[]): void {
    const [first, last] = [records[0], records.at(-1)];
    if (!first || !last) return;
    // Log offsets leave no gap here and offsets only ascend: the same shift at both ends is the shift of all.
    if (shiftOf(first) === shiftOf(last)) this.extend(first.offset, last.offset + 1n, shiftOf(first));
    else for (const record of records) this.extend(record.offset, record.offset + 1n, shiftOf(record));
  }

  /** The log offset after the last record that was delivered below `offset`; undefined when none is known. */
  dueAt(offset: bigint): bigint | undefined {
    const run = this.runs.findLast(r => r.from < offset);
    return run && (offset < run.end ? offset : run.end) - run.shift;
  }

  /** Commits below `offset` will not come any more. */
  forget(offset: bigint): void {
    const kept = this.runs.findLastIndex(r => r.from < offset);
    if (kept > 0) this.runs.splice(0, kept);
  }

  clear(): void {
    this.runs = [];
  }

  private extend(from: bigint, end: bigint, shift: bigint): void {
    const last = this.runs.at(-1);
    if (last?.shift === shift) last.end = end;
    else this.runs.push({ from, end, shift });
  }
}

const shiftOf = ({ offset, logOffset }: LogRecord): bigint => offset - logOffset;
