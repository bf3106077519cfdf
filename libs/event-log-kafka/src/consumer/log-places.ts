import type { LogRecord } from '@sever/event-log';

/** Delivered records whose offsets differ from their log offsets by the same amount; `end` is exclusive. */
type Run = { from: bigint; end: bigint; shift: bigint };

/**
 * Which log offset is due at an offset of one partition, for what was delivered and is not committed yet. Both count up together
 * until a relay repeats something. Pure bookkeeping.
 */
export class LogPlaces {
  private runs: Run[] = [];

  add(records: readonly LogRecord[]): void {
    for (const { offset, logOffset } of records) {
      const shift = offset - logOffset;
      const last = this.runs.at(-1);
      if (last?.shift === shift) last.end = offset + 1n;
      else this.runs.push({ from: offset, end: offset + 1n, shift });
    }
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
}
