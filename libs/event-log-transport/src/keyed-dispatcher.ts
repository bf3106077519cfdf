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

type Waiting = { record: LogRecord; epoch: number };

/**
 * Order per key, concurrency across keys, bounded. A key whose record asked for `retry` waits; other keys go on.
 * Nothing here blocks on I/O: `push` only enqueues.
 */
export class KeyedDispatcher {
  private readonly queues = new Map<string, Waiting[]>();
  private readonly ready: string[] = [];
  private readonly busy = new Set<string>();
  private readonly perPartition = new Map<PartitionKey, number>();
  private readonly full = new Set<PartitionKey>();
  private readonly idleWaiters: (() => void)[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private limit: number;
  private running = 0;
  private stopped = false;

  constructor(private readonly o: DispatcherOptions) {
    this.limit = o.concurrency;
  }

  /** Changes how many keys are worked on at once; slow start after an outage uses it. */
  setConcurrency(limit: number): void {
    this.limit = Math.max(1, Math.min(limit, this.o.concurrency));
    this.pump();
  }

  push(records: readonly LogRecord[], epoch: number): void {
    for (const record of records) {
      const queue = this.queues.get(record.key);
      if (queue) queue.push({ record, epoch });
      else {
        this.queues.set(record.key, [{ record, epoch }]);
        if (!this.busy.has(record.key)) this.ready.push(record.key);
      }
      this.count(record, 1);
    }
    this.pump();
  }

  /** Forgets records of these partitions that nobody works on; those in work finish. */
  drop(tps: readonly TopicPartition[]): void {
    const gone = new Set(tps.map(partitionKey));
    for (const [key, queue] of this.queues) {
      const kept = queue.filter(
        (w, i) => (i === 0 && this.busy.has(key)) || !gone.has(partitionKey(w.record)),
      );
      for (const w of queue) if (!kept.includes(w)) this.count(w.record, -1);
      if (kept.length > 0) this.queues.set(key, kept);
      else this.queues.delete(key);
    }
  }

  /** No further record is begun. */
  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  /** Resolves when nothing is in work. */
  async idle(): Promise<void> {
    if (this.running > 0) await new Promise<void>(resolve => this.idleWaiters.push(resolve));
  }

  stats(): { inFlight: number; queued: number } {
    let queued = 0;
    for (const count of this.perPartition.values()) queued += count;
    return { inFlight: this.running, queued: queued - this.running };
  }

  private pump(): void {
    while (!this.stopped && this.running < this.limit) {
      const key = this.ready.shift();
      if (key === undefined) return;
      const next = this.queues.get(key)?.[0];
      if (!next || this.busy.has(key)) continue;
      this.busy.add(key);
      this.running += 1;
      void this.work(key, next);
    }
  }

  private async work(key: string, { record, epoch }: Waiting): Promise<void> {
    let verdict: Verdict;
    try {
      verdict = await this.o.handle(record, epoch);
    } catch (error) {
      verdict = { kind: 'stop', error: error instanceof Error ? error : new Error(String(error)) };
    }
    this.running -= 1;
    if (verdict.kind === 'retry') this.again(key, verdict.afterMs);
    else if (verdict.kind === 'stop') this.fatal(verdict.error);
    else this.settled(key, record, epoch, verdict);
    if (this.running === 0) for (const resolve of this.idleWaiters.splice(0)) resolve();
    this.pump();
  }

  private settled(key: string, record: LogRecord, epoch: number, verdict: Verdict): void {
    this.busy.delete(key);
    const queue = this.queues.get(key);
    queue?.shift();
    if (queue && queue.length > 0) this.ready.push(key);
    else this.queues.delete(key);
    this.count(record, -1);
    this.o.onSettled(record, epoch, verdict);
  }

  private again(key: string, afterMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.busy.delete(key);
      this.ready.push(key);
      this.pump();
    }, afterMs);
    this.timers.add(timer);
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
    if (count >= this.o.highWater && !this.full.has(key)) this.pressure(tp, key, true);
    else if (count <= this.o.lowWater && this.full.has(key)) this.pressure(tp, key, false);
  }

  private pressure(tp: TopicPartition, key: PartitionKey, full: boolean): void {
    if (full) this.full.add(key);
    else this.full.delete(key);
    this.o.onPressure({ topic: tp.topic, partition: tp.partition }, full);
  }
}
