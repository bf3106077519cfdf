import {
  partitionKey,
  type ConsumerStart,
  type EventLogConsumer,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';

/** A subscription that a spec plays by hand: it decides what is assigned, delivered and revoked, and sees what was asked. */
export class ScriptedConsumer implements EventLogConsumer {
  /** What happened, in order: `commit 1 requests/0=5`, `pause breaker requests/0`, `stop`, … */
  readonly calls: string[] = [];
  readonly paused = new Map<PartitionKey, Set<string>>();
  /** What a commit waits for, or how it fails. */
  onCommit: () => Promise<void> = () => Promise.resolve();
  /** Where delivery was asked to go on, and what follows from it. */
  readonly sought: Offsets[] = [];
  onSeek: (offsets: Offsets) => void = () => undefined;
  behind: Offsets = new Map();
  private started: ConsumerStart | undefined;
  private epoch = 0;

  start(o: ConsumerStart): Promise<void> {
    this.started = o;
    return Promise.resolve();
  }

  get told(): ConsumerStart {
    if (!this.started) throw new Error('nobody has started this subscription');
    return this.started;
  }

  /** Gives partitions in a new epoch; as the port says, an assignment forgets pauses. */
  async assign(...tps: TopicPartition[]): Promise<number> {
    this.epoch += 1;
    for (const tp of tps) this.paused.set(partitionKey(tp), new Set());
    await this.told.onAssigned?.(tps, this.epoch);
    return this.epoch;
  }

  async revoke(epoch: number, ...tps: TopicPartition[]): Promise<void> {
    await this.told.onRevoked?.(tps, epoch);
  }

  deliver(epoch: number, ...records: readonly LogRecord[]): void {
    const byPartition = Map.groupBy(records, r => partitionKey(r));
    for (const [, list] of byPartition) {
      const [first] = list;
      if (first) this.told.onRecords({ topic: first.topic, partition: first.partition }, list, epoch);
    }
  }

  pause(partitions: readonly TopicPartition[], reason: string): void {
    for (const tp of partitions) {
      this.paused.get(partitionKey(tp))?.add(reason);
      this.calls.push(`pause ${reason} ${partitionKey(tp)}`);
    }
  }

  resume(partitions: readonly TopicPartition[], reason: string): void {
    for (const tp of partitions) {
      this.paused.get(partitionKey(tp))?.delete(reason);
      this.calls.push(`resume ${reason} ${partitionKey(tp)}`);
    }
  }

  async commit(offsets: Offsets, epoch: number): Promise<void> {
    const what = [...offsets].map(([key, next]) => `${key}=${next}`).sort();
    this.calls.push(`commit ${epoch} ${what.join(' ')}`);
    await this.onCommit();
  }

  /** The last offset committed for a partition. */
  committed(tp: TopicPartition): number | undefined {
    const found = this.calls
      .filter(call => call.startsWith('commit'))
      .flatMap(call => call.split(' '))
      .filter(part => part.startsWith(`${partitionKey(tp)}=`))
      .at(-1);
    return found === undefined ? undefined : Number(found.split('=')[1]);
  }

  seek(offsets: Offsets): Promise<void> {
    if (offsets.size > 0) {
      this.sought.push(offsets);
      this.onSeek(offsets);
    }
    return Promise.resolve();
  }

  lag(): Promise<Offsets> {
    return Promise.resolve(this.behind);
  }

  stop(): Promise<void> {
    this.calls.push('stop');
    return Promise.resolve();
  }
}
