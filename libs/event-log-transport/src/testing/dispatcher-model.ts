import { partitionKey, type LogRecord, type Verdict } from '@sever/event-log';
import type { DispatcherOptions, KeyedDispatcher } from '../keyed-dispatcher.js';

export const LIMITS = { concurrency: 3, highWater: 5, lowWater: 2 };
const PARTITION_COUNT = 3;

type Run = { record: LogRecord; epoch: number; done: (verdict: Verdict) => void };

/** Where a record of the model stands. */
type State = 'queued' | 'running' | 'waiting' | 'settled' | 'dropped';
type Entry = { record: LogRecord; state: State; dueAt: number; dropped: boolean };

/** A dispatcher under test beside what it must do: begins and settlements are checked as they happen. */
export class DispatcherModel {
  readonly dispatcher: KeyedDispatcher;
  private readonly entries: Entry[] = [];
  private readonly runs: Run[] = [];
  private readonly full = new Set<string>();
  private firstBreach: string | undefined;
  private allowed = LIMITS.concurrency;
  private offset = 0n;
  private now = 0;

  constructor(make: (o: DispatcherOptions) => KeyedDispatcher) {
    this.dispatcher = make({
      ...LIMITS,
      handle: (record, epoch) => this.begun(record, epoch),
      onSettled: record => this.settled(record),
      onPressure: (tp, full) => this.pressed(partitionKey(tp), full),
      onFatal: error => void this.broken(error.message),
    });
  }

  /** Pushes one record per key, as one batch of one read. */
  push(keys: readonly number[]): LogRecord[] {
    const records = keys.map(key => this.record(key));
    for (const record of records) this.entries.push({ record, state: 'queued', dueAt: 0, dropped: false });
    this.dispatcher.push(records, 1);
    return records;
  }

  running(): Run[] {
    return [...this.runs];
  }

  finish(pick: number, verdict: Verdict): void {
    const run = this.runs[pick % Math.max(1, this.runs.length)];
    run?.done(verdict);
  }

  drop(partition: number): void {
    for (const entry of this.entries) {
      if (entry.record.partition !== partition) continue;
      if (entry.state === 'queued' || entry.state === 'waiting') entry.state = 'dropped';
      if (entry.state === 'running') entry.dropped = true;
    }
    this.dispatcher.drop([{ topic: 'requests', partition }]);
  }

  limit(limit: number): void {
    this.allowed = Math.max(1, Math.min(limit, LIMITS.concurrency));
    this.dispatcher.setConcurrency(limit);
  }

  async wait(ms: number): Promise<void> {
    this.now += ms;
    const { jest } = await import('@jest/globals');
    await jest.advanceTimersByTimeAsync(ms);
  }

  /** Lets everything that is due happen. */
  settle(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve));
  }

  /** Work is conserved and pressure is right, between any two steps. */
  check(): void {
    if (this.firstBreach) throw new Error(this.firstBreach);
    const eligible = new Set(
      this.entries.filter(e => e.state === 'queued' || this.due(e)).map(e => e.record.key),
    );
    for (const entry of this.entries)
      if (entry.state === 'running' || (entry.state === 'waiting' && !this.due(entry)))
        eligible.delete(entry.record.key);
    if (eligible.size > 0 && this.runs.length < this.allowed)
      throw new Error(`${eligible.size} keys could be worked on and are not`);
    const open = this.entries.filter(e => e.state !== 'settled' && e.state !== 'dropped');
    const { inFlight, queued } = this.dispatcher.stats();
    if (inFlight !== this.runs.length || inFlight + queued !== open.length)
      throw new Error(`${inFlight} + ${queued} counted, ${this.runs.length} of ${open.length} in work`);
    for (let p = 0; p < PARTITION_COUNT; p += 1) {
      const of = open.filter(e => e.record.partition === p);
      const key = `requests/${p}`;
      if (this.full.has(key) && of.length <= LIMITS.lowWater)
        throw new Error(`${key} is held back for nothing`);
      if (!this.full.has(key) && of.filter(e => !e.dropped).length >= LIMITS.highWater)
        throw new Error(`${key} is not held back`);
    }
  }

  /** Ends all work: everything is settled or was dropped, nothing is held back. */
  async finishAll(): Promise<void> {
    for (let i = 0; i < 10_000 && this.entries.some(e => !['settled', 'dropped'].includes(e.state)); i += 1) {
      for (const run of this.running()) run.done({ kind: 'ack' });
      await this.wait(50);
      await this.settle();
    }
    await this.dispatcher.idle();
    this.check();
    if (this.entries.some(e => !['settled', 'dropped'].includes(e.state))) throw new Error('work is left');
    if (this.full.size > 0) throw new Error('partitions are held back at the end');
  }

  private due(entry: Entry): boolean {
    return entry.state === 'waiting' && entry.dueAt <= this.now;
  }

  private record(key: number): LogRecord {
    this.offset += 1n;
    return {
      topic: 'requests',
      partition: key % PARTITION_COUNT,
      offset: this.offset,
      logOffset: this.offset,
      key: `key-${key}`,
      type: 'x',
      headers: {},
      value: Buffer.alloc(0),
      timestamp: 0,
    };
  }

  private find(record: LogRecord): Entry {
    const entry = this.entries.find(e => e.record === record);
    if (!entry) throw new Error('a record from nowhere');
    return entry;
  }

  private begun(record: LogRecord, epoch: number): Promise<Verdict> {
    const entry = this.find(record);
    const sameKey = this.entries.filter(e => e.record.key === record.key);
    if (epoch === 1) {
      if (sameKey.some(e => e.state === 'running')) throw this.broken('two records of a key at once');
      if (sameKey.find(e => e.state === 'queued' || e.state === 'waiting') !== entry)
        throw this.broken(`offset ${record.offset} is out of turn (${entry.state})`);
      if (entry.state === 'waiting' && !this.due(entry)) throw this.broken('tried again too early');
    }
    entry.state = 'running';
    if (this.runs.length >= this.allowed) throw this.broken('more at once than allowed');
    const gate = Promise.withResolvers<Verdict>();
    const run: Run = {
      record,
      epoch,
      done: verdict => {
        this.runs.splice(this.runs.indexOf(run), 1);
        if (verdict.kind === 'retry') {
          entry.state = entry.dropped ? 'dropped' : 'waiting';
          entry.dueAt = this.now + verdict.afterMs;
        }
        gate.resolve(verdict);
      },
    };
    this.runs.push(run);
    return gate.promise;
  }

  private settled(record: LogRecord): void {
    const entry = this.find(record);
    if (entry.state !== 'running') this.broken(`settled although ${entry.state}`);
    entry.state = 'settled';
  }

  private pressed(key: string, full: boolean): void {
    if (this.full.has(key) === full) this.broken(`pressure on ${key} told twice`);
    if (full) this.full.add(key);
    else this.full.delete(key);
  }

  /** An error inside a callback would be taken for the handler's own: it is remembered, and thrown by the next check. */
  private broken(message: string): Error {
    this.firstBreach ??= message;
    return new Error(message);
  }
}
