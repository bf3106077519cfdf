import { partitionKey, type LogRecord, type PartitionKey, type TopicPartition } from '@sever/event-log';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pipeline } from '../../../harness/pipeline.js';
import type { Random } from '../simulation/random.js';
import type { OpenedConsumer, Profile } from './profile.js';
import type { Recorder } from './recorder.js';

const TOPICS = ['requests', 'outcomes'];
const COMMIT_EVERY_MS = 250;

/** A subscription of the test itself: it writes down what it is given, and stores positions when it is in a group. */
export class ObservingReader {
  /** What was handed over and not stored yet, per epoch. */
  private readonly done = new Map<number, Map<PartitionKey, bigint>>();
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly opened: OpenedConsumer,
    private readonly recorder: Recorder,
    private readonly reader: string,
    private readonly member: string,
    private readonly isInGroup: boolean,
    private readonly onFatal: ((error: Error) => void) | undefined,
  ) {}

  static async start(o: {
    profile: Profile;
    pipeline: Pipeline;
    recorder: Recorder;
    reader: string;
    member: string;
    isInGroup: boolean;
    /** The subscription has ended by itself. */
    onFatal?: (error: Error) => void;
  }): Promise<ObservingReader> {
    const opened = await o.profile.openConsumer(o.pipeline, o.member);
    const self = new ObservingReader(opened, o.recorder, o.reader, o.member, o.isInGroup, o.onFatal);
    try {
      await self.subscribe();
    } catch (error) {
      await opened.release().catch(() => undefined);
      throw error;
    }
    return self;
  }

  /** Leaves. What was handed over and not stored comes again to the next member. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.opened.consumer.stop({ drainMs: 1_000 }).catch(() => undefined);
    await this.opened.release().catch(() => undefined);
  }

  private async subscribe(): Promise<void> {
    await this.opened.consumer.start({
      ...(this.isInGroup && { group: this.reader }),
      topics: TOPICS,
      from: this.isInGroup ? 'committed' : 'earliest',
      onRecords: (tp, records, epoch) => this.received(tp, records, epoch),
      onFatal: error => this.onFatal?.(error),
    });
    if (this.isInGroup) this.timer = setInterval(() => void this.commit(), COMMIT_EVERY_MS);
  }

  private received(tp: TopicPartition, records: readonly LogRecord[], epoch: number): void {
    this.recorder.observe({
      kind: 'poll',
      reader: this.reader,
      member: this.member,
      epoch,
      topic: tp.topic,
      partition: tp.partition,
      records: records.map(r => ({ logOffset: Number(r.logOffset), eventId: r.headers.ce_id ?? '' })),
    });
    const last = records.at(-1);
    if (!this.isInGroup || !last) return;
    const of = this.done.get(epoch) ?? new Map<PartitionKey, bigint>();
    this.done.set(epoch, of);
    of.set(partitionKey(tp), last.offset + 1n);
  }

  private async commit(): Promise<void> {
    for (const [epoch, offsets] of this.done) {
      this.done.delete(epoch);
      await this.opened.consumer.commit(offsets, epoch).catch(() => undefined);
    }
  }
}

/** A group of the test itself whose second member comes and goes, so that partitions move while everything else fails. */
export async function churn(
  start: (member: string) => Promise<ObservingReader>,
  random: Random,
  untilMs: number,
): Promise<number> {
  let rebalances = 0;
  for (let n = 1; Date.now() < untilMs; n += 1) {
    const guest = await start(`guest-${n}`).catch(() => undefined);
    await sleep(2_000 + random.int(4_000));
    await guest?.stop();
    if (guest) rebalances += 2;
    await sleep(1_000 + random.int(2_000));
  }
  return rebalances;
}
