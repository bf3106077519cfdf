import {
  Server,
  type CustomTransportStrategy,
  type MessageHandler,
  type ReadPacket,
} from '@nestjs/microservices';
import {
  partitionKey,
  stop,
  type EventLogConsumer,
  type LogRecord,
  type PartitionKey,
  type TopicPartition,
  type Verdict,
} from '@sever/event-log';
import { isObservable, lastValueFrom } from 'rxjs';
import { EventLogContext } from './event-log-context.js';
import { KeyedDispatcher } from './keyed-dispatcher.js';
import { OffsetLedger } from './offset-ledger.js';

export type EventLogServerOptions = {
  consumer: EventLogConsumer;
  group: string;
  topics: readonly string[];
  /** Largest number of keys worked on at once. */
  concurrency?: number;
  /** What becomes of a type without a handler: settle and count it, or stop the process. */
  unknownType?: 'skip' | 'stop';
  /** Longest wait at shutdown for records in work, in milliseconds. */
  drainMs?: number;
  commitEveryMs?: number;
  onFatal: (error: Error) => void;
};

const COMMIT_EVERY_SETTLES = 5_000;

/** What is settled of one partition in one epoch. */
type Entry = { ledger: OffsetLedger; epoch: number; committed: bigint; tp: TopicPartition };

/**
 * Nest transport over the event log: `@EventPattern(type)` handlers return a Verdict, the ledger commits the low-water mark.
 * One handler per type; a second one is refused at start-up.
 */
export class EventLogServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('event-log');
  override readonly propagatesEventHandlerErrors = true;
  private readonly ledgers = new Map<PartitionKey, Entry>();
  private readonly pauses = new Set<string>();
  private readonly owned = new Map<PartitionKey, { tp: TopicPartition; epoch: number }>();
  private readonly dispatcher: KeyedDispatcher;
  private timer: NodeJS.Timeout | undefined;
  private settles = 0;
  private closing: Promise<void> | undefined;
  private committing: Promise<void> = Promise.resolve();
  private commitDue = false;
  /** Somebody wants to hear of each record before its handler does: a tracer. */
  private isHooked = false;

  constructor(private readonly o: EventLogServerOptions) {
    super();
    this.dispatcher = new KeyedDispatcher({
      concurrency: o.concurrency ?? 64,
      highWater: 2_000,
      lowWater: 500,
      handle: (record, epoch) => this.dispatch(record, epoch),
      onSettled: (record, epoch) => this.settled(record, epoch),
      onPressure: (tp, full) =>
        full ? o.consumer.pause([tp], 'backpressure') : o.consumer.resume([tp], 'backpressure'),
      onFatal: error => o.onFatal(error),
    });
  }

  listen(callback: (error?: unknown) => void): void {
    for (const [pattern, handler] of this.messageHandlers)
      if (handler.next)
        return callback(new Error(`two handlers for ${pattern}: one type has one handler in an app`));
    this.o.consumer
      .start({
        group: this.o.group,
        topics: this.o.topics,
        from: 'committed',
        onAssigned: (tps, epoch) => this.assigned(tps, epoch),
        onRevoked: (tps, epoch) => this.revoked(tps, epoch),
        onRecords: (tp, records, epoch) => this.received(tp, records, epoch),
        onFatal: error => this.o.onFatal(error),
      })
      .then(() => {
        this.timer = setInterval(() => void this.commit(), this.o.commitEveryMs ?? 1_000);
        callback();
      }, callback);
  }

  /** Stops intake, waits for records in work, commits, leaves the group. */
  close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  /** Stops delivery of everything, now and after every later assignment, until the reason is taken back. */
  pause(reason: string): void {
    this.pauses.add(reason);
    this.o.consumer.pause(this.assignedPartitions(), reason);
  }

  resume(reason: string): void {
    this.pauses.delete(reason);
    this.o.consumer.resume(this.assignedPartitions(), reason);
  }

  setConcurrency(limit: number): void {
    this.dispatcher.setConcurrency(limit);
  }

  async stats(): Promise<{ inFlight: number; queued: number; lag: number }> {
    let lag = 0n;
    for (const behind of (await this.o.consumer.lag()).values()) lag += behind;
    const { inFlight, queued } = this.dispatcher.stats();
    return { inFlight, queued, lag: Number(lag) };
  }

  on(): void {
    throw new Error('the event log server emits no events; use onFatal and stats()');
  }

  unwrap<T>(): T {
    return this.o.consumer as T;
  }

  /** Runs the type's handler and gives its verdict; the base class would drop it. */
  override handleEvent(type: string, packet: ReadPacket, ctx: EventLogContext): Promise<Verdict> {
    // The base class takes every pattern for JSON first, and the error that follows costs more than all the rest of a record.
    const handler = this.messageHandlers.get(type);
    if (!handler) return Promise.resolve(this.unknown(type));
    if (!this.isHooked) return this.run(handler, packet.data, ctx);
    const run: { verdict?: Promise<Verdict>; later?: PromiseWithResolvers<Verdict> } = {};
    // The hook's return value is not to be trusted: a tracing hook may not wait for its callback, or call it later.
    this.onProcessingStartHook(this.transportId, ctx, () => {
      run.verdict = this.run(handler, packet.data, ctx);
      run.later?.resolve(run.verdict);
      return run.verdict;
    });
    return run.verdict ?? (run.later = Promise.withResolvers<Verdict>()).promise;
  }

  override setOnProcessingStartHook(hook: Parameters<Server['setOnProcessingStartHook']>[0]): void {
    this.isHooked = true;
    super.setOnProcessingStartHook(hook);
  }

  private async run(handler: MessageHandler, data: unknown, ctx: EventLogContext): Promise<Verdict> {
    try {
      const result: unknown = await handler(data, ctx);
      return verdictOf(
        isObservable(result) ? await lastValueFrom(result, { defaultValue: undefined }) : result,
      );
    } finally {
      this.onProcessingEndHook?.(this.transportId, ctx);
    }
  }

  private unknown(type: string): Verdict {
    if (this.o.unknownType === 'stop')
      return stop(new Error(`no handler for ${type}: this process is older than the log; upgrade it`));
    return { kind: 'skip', reason: 'not addressed here' };
  }

  private dispatch(record: LogRecord, epoch: number): Promise<Verdict> {
    const ctx = new EventLogContext(record, epoch);
    return this.handleEvent(record.type, { pattern: record.type, data: record.value }, ctx);
  }

  private assignedPartitions(): TopicPartition[] {
    return [...this.owned.values()].map(o => o.tp);
  }

  private assigned(tps: readonly TopicPartition[], epoch: number): void {
    for (const tp of tps) this.owned.set(partitionKey(tp), { tp, epoch });
    for (const reason of this.pauses) this.o.consumer.pause(tps, reason);
  }

  private received(tp: TopicPartition, records: readonly LogRecord[], epoch: number): void {
    const key = partitionKey(tp);
    let entry = this.ledgers.get(key);
    const first = records[0]?.offset ?? 0n;
    if (!entry || entry.epoch !== epoch) {
      entry = { ledger: new OffsetLedger(first), epoch, committed: first, tp };
      this.ledgers.set(key, entry);
    }
    for (const record of records) entry.ledger.delivered(record.offset);
    this.dispatcher.push(records, epoch);
  }

  private settled(record: LogRecord, epoch: number): void {
    const entry = this.ledgers.get(partitionKey(record));
    if (entry?.epoch !== epoch) return;
    entry.ledger.settle(record.offset);
    this.settles += 1;
    if (this.settles >= COMMIT_EVERY_SETTLES) void this.commit();
  }

  /** Waits for these partitions alone; what comes in a later epoch meanwhile is not touched. */
  private async revoked(tps: readonly TopicPartition[], epoch: number): Promise<void> {
    this.dispatcher.drop(tps);
    await this.dispatcher.idle(tps);
    await this.commit();
    for (const key of tps.map(partitionKey)) {
      if (this.ledgers.get(key)?.epoch === epoch) this.ledgers.delete(key);
      if (this.owned.get(key)?.epoch === epoch) this.owned.delete(key);
    }
  }

  /** Commits what moved, one commit at a time; resolves when everything settled before the call was tried. */
  private commit(): Promise<void> {
    if (this.commitDue) return this.committing;
    this.commitDue = true;
    this.committing = this.committing.then(() => {
      this.commitDue = false;
      return this.commitMoved();
    });
    return this.committing;
  }

  /** A commit that fails is made up for by the next one. */
  private async commitMoved(): Promise<void> {
    this.settles = 0;
    const moved = [...this.ledgers.values()].filter(l => l.ledger.next() > l.committed);
    for (const epoch of new Set(moved.map(l => l.epoch))) {
      const entries = moved.filter(l => l.epoch === epoch).map(l => ({ entry: l, next: l.ledger.next() }));
      try {
        await this.o.consumer.commit(new Map(entries.map(e => [partitionKey(e.entry.tp), e.next])), epoch);
        for (const { entry, next } of entries) entry.committed = next;
      } catch (error) {
        this.logger.warn(
          `offsets were not committed and will be later: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }

  private async drain(): Promise<void> {
    clearInterval(this.timer);
    this.dispatcher.stop();
    this.o.consumer.pause(this.assignedPartitions(), 'draining');
    const drainMs = this.o.drainMs ?? 8_000;
    await Promise.race([
      this.dispatcher.idle(),
      new Promise(resolve => setTimeout(resolve, drainMs).unref()),
    ]);
    await this.commit();
    await this.o.consumer.stop({ drainMs: 1_000 });
  }
}

const KINDS: ReadonlySet<string> = new Set(['ack', 'skip', 'retry', 'park', 'stop']);

/** A handler that returns anything but a verdict is a programmer error, not a success. */
function verdictOf(result: unknown): Verdict {
  if (typeof result === 'object' && result !== null && 'kind' in result && KINDS.has(String(result.kind)))
    return result as Verdict;
  return stop(new Error('an event handler returned no verdict'));
}
