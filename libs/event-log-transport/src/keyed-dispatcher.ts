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

/** What of one partition waits or is in work together, and how much of it is in work. */
type Load = { tp: TopicPartition; key: PartitionKey; records: number; inWork: number; full: boolean };

type Waiting = { record: LogRecord; epoch: number; dropped: boolean; load: Load };

/** What is known of one key. At most one of `running` and `timer` is set; a record that waits to be tried again heads the queue. */
type Lane = {
  key: string;
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
  /** Keys whose next record may begin, from `readyHead` on: taking from the front of an array moves the rest. */
  private ready: Lane[] = [];
  private readyHead = 0;
  private inWork = 0;
  private readonly loads = new Map<PartitionKey, Load>();
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
      const lane = this.laneOf(record.key);
      const load = this.loadOf(record);
      lane.queue.push({ record, epoch, dropped: false, load });
      this.offer(lane);
      this.count(load, 1);
    }
    this.pump();
  }

  /** Forgets records of these partitions that nobody works on, also those that wait to be tried again; those in work finish. */
  drop(tps: readonly TopicPartition[]): void {
    const gone = new Set(tps.map(partitionKey));
    for (const lane of this.lanes.values()) {
      if (lane.running && gone.has(lane.running.load.key)) lane.running.dropped = true;
      const [head] = lane.queue;
      const dropped = lane.queue.filter(w => gone.has(w.load.key));
      if (dropped.length === 0) continue;
      lane.queue = lane.queue.filter(w => !gone.has(w.load.key));
      if (lane.timer && lane.queue[0] !== head) this.wake(lane);
      for (const w of dropped) this.count(w.load, -1);
      this.tidy(lane);
      this.offer(lane);
    }
    // Whoever gets the partition next begins without pressure.
    for (const load of this.loads.values()) if (load.full && gone.has(load.key)) this.pressure(load, false);
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
    for (const { records } of this.loads.values()) total += records;
    return { inFlight: this.inWork, queued: total - this.inWork };
  }

  private works(of: ReadonlySet<PartitionKey> | undefined): boolean {
    if (!of) return this.inWork > 0;
    for (const key of of) if (this.loads.get(key)?.inWork) return true;
    return false;
  }

  private pump(): void {
    while (!this.stopped && this.inWork < this.limit) {
      const lane = this.takeReady();
      if (!lane) return;
      lane.listed = false;
      if (lane.running || lane.timer) continue;
      const next = lane.queue.shift();
      if (next) void this.work(lane, next);
    }
  }

  private takeReady(): Lane | undefined {
    const lane = this.ready[this.readyHead];
    if (!lane) return undefined;
    this.readyHead += 1;
    if (this.readyHead > 1_024 && this.readyHead * 2 > this.ready.length) {
      this.ready = this.ready.slice(this.readyHead);
      this.readyHead = 0;
    }
    return lane;
  }

  private async work(lane: Lane, waiting: Waiting): Promise<void> {
    const { record, epoch, load } = waiting;
    lane.running = waiting;
    load.inWork += 1;
    this.inWork += 1;
    let verdict: Verdict;
    try {
      verdict = await this.o.handle(record, epoch);
    } catch (error) {
      verdict = { kind: 'stop', error: error instanceof Error ? error : new Error(String(error)) };
    }
    lane.running = undefined;
    load.inWork -= 1;
    this.inWork -= 1;
    if (verdict.kind === 'retry' && !waiting.dropped) this.again(lane, waiting, verdict.afterMs);
    else {
      this.count(load, -1);
      if (verdict.kind === 'stop') this.fatal(verdict.error);
      else if (verdict.kind !== 'retry') this.settle(record, epoch, verdict);
    }
    this.tidy(lane);
    this.offer(lane);
    if (this.idleWaiters.length > 0)
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

  private again(lane: Lane, waiting: Waiting, afterMs: number): void {
    lane.queue.unshift(waiting);
    lane.timer = setTimeout(
      () => {
        lane.timer = undefined;
        this.offer(lane);
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
  private offer(lane: Lane): void {
    if (lane.listed || lane.running || lane.timer || lane.queue.length === 0) return;
    lane.listed = true;
    this.ready.push(lane);
  }

  private tidy(lane: Lane): void {
    if (!lane.running && lane.queue.length === 0) this.lanes.delete(lane.key);
  }

  private fatal(error: Error): void {
    this.stop();
    this.o.onFatal(error);
  }

  private laneOf(key: string): Lane {
    let lane = this.lanes.get(key);
    if (!lane) this.lanes.set(key, (lane = { key, queue: [], listed: false }));
    return lane;
  }

  private loadOf({ topic, partition }: TopicPartition): Load {
    const key = partitionKey({ topic, partition });
    let load = this.loads.get(key);
    if (!load)
      this.loads.set(key, (load = { tp: { topic, partition }, key, records: 0, inWork: 0, full: false }));
    return load;
  }

  private count(load: Load, by: number): void {
    load.records += by;
    if (by > 0 && load.records >= this.o.highWater && !load.full) this.pressure(load, true);
    else if (load.records <= this.o.lowWater && load.full) this.pressure(load, false);
  }

  private pressure(load: Load, full: boolean): void {
    load.full = full;
    this.o.onPressure(load.tp, full);
  }
}
