import {
  partitionKey,
  type LogRecord,
  type PartitionKey,
  type TopicPartition,
  type Verdict,
} from '@sever/event-log';

export type DispatcherOptions = {
  /** Largest number of keys worked on at once. */
  concurrency: number;
  /** Waiting records of a partition at which its delivery is paused, and the number at which it goes on. */
  highWater: number;
  lowWater: number;
  handle: (record: LogRecord, epoch: number) => Promise<Verdict>;
  onSettled: (record: LogRecord, epoch: number, verdict: Verdict) => void;
  /** Back-pressure: true pauses the partition, false lets it go on. */
  onPressure: (tp: TopicPartition, full: boolean) => void;
  /** A handler said `stop` or threw: the process must end without committing that record. */
  onFatal: (error: Error) => void;
};

type Waiting = { record: LogRecord; epoch: number; dropped: boolean };

/** What is known of one key. At most one of `running` and `timer` is set; a record that waits to be tried again heads the queue. */
type Lane = {
  queue: Waiting[];
  running?: Waiting | undefined;
  timer?: NodeJS.Timeout | undefined;
  /** Listed in `ready`. */
  listed: boolean;
};

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Order per key, concurrency across keys, bounded. A key whose record asked for `retry` waits; other keys go on.
 * Nothing here blocks on I/O: `push` only enqueues.
 */
export class KeyedDispatcher {
  private readonly lanes = new Map<string, Lane>();
  private readonly ready: string[] = [];
  private readonly running = new Set<Waiting>();
  private readonly perPartition = new Map<PartitionKey, number>();
  private readonly full = new Set<PartitionKey>();
  private idleWaiters: { of: ReadonlySet<PartitionKey> | undefined; resolve: () => void }[] = [];
  private limit: number;
  private stopped = false;

  constructor(private readonly o: DispatcherOptions) {
    this.limit = o.concurrency;
  }

  /** Changes how many keys are worked on at once; slow start after an outage uses it. */
  setConcurrency(limit: number): void {
    this.limit = Math.max(1, Math.min(limit, this.o.concurrency));
    this.pump();
  }

  /** Enqueues; after {@link stop} records are ignored. */
  push(records: readonly LogRecord[], epoch: number): void {
    if (this.stopped) return;
    for (const record of records) {
      const lane = this.lanes.get(record.key) ?? { queue: [], listed: false };
      this.lanes.set(record.key, lane);
      lane.queue.push({ record, epoch, dropped: false });
      this.offer(record.key, lane);
      this.count(record, 1);
    }
    this.pump();
  }

  /** Forgets records of these partitions that nobody works on, also those that wait to be tried again; those in work finish. */
  drop(tps: readonly TopicPartition[]): void {
    const gone = new Set(tps.map(partitionKey));
    for (const waiting of this.running) if (gone.has(partitionKey(waiting.record))) waiting.dropped = true;
    for (const [key, lane] of this.lanes) {
      const [head] = lane.queue;
      const dropped = lane.queue.filter(w => gone.has(partitionKey(w.record)));
      if (dropped.length === 0) continue;
      lane.queue = lane.queue.filter(w => !gone.has(partitionKey(w.record)));
      if (lane.timer && lane.queue[0] !== head) this.wake(lane);
      for (const w of dropped) this.count(w.record, -1);
      this.tidy(key, lane);
      this.offer(key, lane);
    }
    // Whoever gets the partition next begins without pressure.
    for (const tp of tps) if (this.full.has(partitionKey(tp))) this.pressure(tp, partitionKey(tp), false);
    this.pump();
  }

  /** No further record is begun. */
  stop(): void {
    this.stopped = true;
    for (const lane of this.lanes.values()) this.wake(lane);
  }

  /** Resolves when nothing is in work, of the given partitions or of all. */
  async idle(tps?: readonly TopicPartition[]): Promise<void> {
    const of = tps && new Set(tps.map(partitionKey));
    if (this.works(of)) await new Promise<void>(resolve => this.idleWaiters.push({ of, resolve }));
  }

  stats(): { inFlight: number; queued: number } {
    let total = 0;
    for (const count of this.perPartition.values()) total += count;
    return { inFlight: this.running.size, queued: total - this.running.size };
  }

  private works(of: ReadonlySet<PartitionKey> | undefined): boolean {
    if (!of) return this.running.size > 0;
    for (const { record } of this.running) if (of.has(partitionKey(record))) return true;
    return false;
  }

  private pump(): void {
    while (!this.stopped && this.running.size < this.limit) {
      const key = this.ready.shift();
      if (key === undefined) return;
      const lane = this.lanes.get(key);
      if (!lane) continue;
      lane.listed = false;
      if (lane.running || lane.timer) continue;
      const next = lane.queue.shift();
      if (next) void this.work(key, lane, next);
    }
  }

  private async work(key: string, lane: Lane, waiting: Waiting): Promise<void> {
    const { record, epoch } = waiting;
    lane.running = waiting;
    this.running.add(waiting);
    let verdict: Verdict;
    try {
      verdict = await this.o.handle(record, epoch);
    } catch (error) {
      verdict = { kind: 'stop', error: error instanceof Error ? error : new Error(String(error)) };
    }
    lane.running = undefined;
    this.running.delete(waiting);
    if (verdict.kind === 'retry' && !waiting.dropped) this.again(key, lane, waiting, verdict.afterMs);
    else {
      this.count(record, -1);
      if (verdict.kind === 'stop') this.fatal(verdict.error);
      else if (verdict.kind !== 'retry') this.settle(record, epoch, verdict);
    }
    this.tidy(key, lane);
    this.offer(key, lane);
    this.idleWaiters = this.idleWaiters.filter(({ of, resolve }) => this.works(of) || resolve());
    this.pump();
  }

  private settle(record: LogRecord, epoch: number, verdict: Verdict): void {
    try {
      this.o.onSettled(record, epoch, verdict);
    } catch (error) {
      this.fatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private again(key: string, lane: Lane, waiting: Waiting, afterMs: number): void {
    lane.queue.unshift(waiting);
    lane.timer = setTimeout(
      () => {
        lane.timer = undefined;
        this.offer(key, lane);
        this.pump();
      },
      Math.min(afterMs, LONGEST_TIMER_MS),
    );
    if (this.stopped) this.wake(lane);
  }

  private wake(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
  }

  /** Lists a key whose next record may begin. */
  private offer(key: string, lane: Lane): void {
    if (lane.listed || lane.running || lane.timer || lane.queue.length === 0) return;
    lane.listed = true;
    this.ready.push(key);
  }

  private tidy(key: string, lane: Lane): void {
    if (!lane.running && lane.queue.length === 0) this.lanes.delete(key);
  }

  private fatal(error: Error): void {
    this.stop();
    this.o.onFatal(error);
  }

  private count(tp: TopicPartition, by: number): void {
    const key = partitionKey(tp);
    const count = (this.perPartition.get(key) ?? 0) + by;
    if (count > 0) this.perPartition.set(key, count);
    else this.perPartition.delete(key);
    if (by > 0 && count >= this.o.highWater && !this.full.has(key)) this.pressure(tp, key, true);
    else if (count <= this.o.lowWater && this.full.has(key)) this.pressure(tp, key, false);
  }

  private pressure(tp: TopicPartition, key: PartitionKey, full: boolean): void {
    if (full) this.full.add(key);
    else this.full.delete(key);
    this.o.onPressure({ topic: tp.topic, partition: tp.partition }, full);
  }
}
