import { failpoint } from '@sever/config';
import { decodeEvent, STEPS, type SeverEvent } from '@sever/event-contracts';
import { ack, retry, skip, type LogRecord, type Verdict } from '@sever/event-log';
import { execute, isDatabaseUnavailable, isSerializationFailure } from '@sever/postgres';
import { StageRunner } from './engine/stage-runner.js';
import type { InstanceContext, WorkResult } from './engine/work-context.js';
import { KeyLocks } from './key-locks.js';
import { inheritSnapshots } from './store/snapshot-store.js';
import {
  confirmRun,
  hasten,
  isOvertaken,
  renewLease,
  supersedeCut,
  takeNextOfKey,
  takeOvertakenRestores,
  takeWork,
  waiveSteps,
  workSettled,
  type WorkItem,
} from './store/work-item-store.js';
import { addresses, hasPast, isCommand, stageOf, workOf } from './work-of-event.js';

const LEASE_RENEW_MS = 6_000;
const UNAVAILABLE_RETRY_MS = 1_000;

/** What one instance does with the events of the log: takes work, runs it, and obeys what people say about it. */
export class InstanceEngine {
  readonly locks = new KeyLocks();
  private readonly superseded = new Set<string>();
  private readonly drain = new AbortController();

  /** @param onDue is told when work will be due that no record of the log brings; now when it names no time */
  constructor(
    private readonly c: InstanceContext,
    private readonly onDue: (at?: Date) => void = () => undefined,
  ) {}

  /** Handles one record; the verdict is given once what follows from it is stored. */
  async handle(record: LogRecord, event: SeverEvent): Promise<Verdict> {
    try {
      if (isCommand(event))
        return addresses(event, this.c.instance)
          ? await this.command(record, event)
          : skip('not addressed here');
      return await this.control(record.key, event);
    } catch (error) {
      if (this.drain.signal.aborted || isDatabaseUnavailable(error) || isSerializationFailure(error))
        return retry(UNAVAILABLE_RETRY_MS, 'database.unavailable');
      throw error;
    }
  }

  /** Runs a piece of work that is due again, and what waits behind it. The caller holds no lock. */
  async resume(item: WorkItem): Promise<void> {
    const { dataSource, instance, owner } = this.c;
    await this.locks.run(item.key, async () => {
      // While it waited for its turn the same work may have been run by the record that brought it again.
      if (await confirmRun(dataSource, instance, owner, item)) await this.runItem(item);
      await this.runWaiting(item.key);
    });
  }

  /** Running calls are aborted: their effect is unknown and is looked at after the restart. */
  abort(): void {
    this.drain.abort();
  }

  private command(record: LogRecord, event: Parameters<typeof stageOf>[0]): Promise<Verdict> {
    return this.locks.run(record.key, async () => {
      const stage = stageOf(event);
      if (stage === 'restore' && event.optoutid) await this.supersede(event.optoutid);
      const item = await takeWork(this.c.dataSource, this.c.instance, this.c.owner, {
        requestEvent: event.id,
        key: record.key,
        optOutId: event.optoutid ?? event.id,
        stage,
        event: record.value,
        traceparent: event.traceparent,
      });
      if (stage === 'cut')
        this.c.metrics.firstCall.observe(
          { connector: this.c.instance },
          (Date.now() - Date.parse(event.time)) / 1_000,
        );
      if (item.state === 'waiting' && stage === 'cut') await this.overtakeRestores(item);
      if (item.state === 'running') await this.runItem(item);
      // Only who found older work of the person can have left something behind it.
      if (hasPast(item)) await this.runWaiting(record.key);
      return ack;
    });
  }

  /** Decisions of people and the wish to restore take effect at once, ahead of what waits. */
  private async control(key: string, event: SeverEvent): Promise<Verdict> {
    const { dataSource, instance } = this.c;
    const optOutId = event.optoutid;
    if (!optOutId) return skip('belongs to no opt-out');
    switch (event.type) {
      case 'sever.optout.restore-requested.v1':
        await this.supersede(optOutId);
        return ack;
      case 'sever.optout.retry-requested.v1':
        if (event.data.instance === null || event.data.instance === instance)
          await hasten(dataSource, instance, optOutId);
        this.onDue();
        return ack;
      case 'sever.optout.waived.v1':
        if (event.data.instance === instance)
          await waiveSteps(dataSource, instance, optOutId, event.data.step ? [event.data.step] : STEPS);
        this.onDue();
        return ack;
      default:
        return skip(`not for connectors: ${key.length > 0 ? event.type : ''}`);
    }
  }

  private async supersede(optOutId: string): Promise<void> {
    this.superseded.add(optOutId);
    await supersedeCut(this.c.dataSource, this.c.instance, optOutId);
  }

  /** Who is opted out anew is not given back what an older opt-out took: restores that are not done end without effect. */
  private async overtakeRestores(cut: WorkItem): Promise<void> {
    const { dataSource, instance, owner } = this.c;
    const restores = await takeOvertakenRestores(dataSource, instance, owner, cut);
    for (const restore of restores) await this.runItem(restore, true);
  }

  /** @param isVoid the work ends as done, without an effect */
  private async runItem(item: WorkItem, isVoid = false): Promise<void> {
    const { dataSource, instance, owner } = this.c;
    const renew = setInterval(
      () => void renewLease(dataSource, instance, owner, item.requestEvent).catch(() => undefined),
      LEASE_RENEW_MS,
    );
    try {
      const result = await this.run(item, isVoid);
      failpoint('park.before-commit');
      if (!result.isStored) await execute(dataSource, workSettled(instance, item, result));
      if (result.state === 'retrying') this.onDue(result.dueAt ?? undefined);
    } finally {
      clearInterval(renew);
    }
  }

  private async run(item: WorkItem, isVoid: boolean): Promise<WorkResult> {
    const { dataSource, instance } = this.c;
    const event = decodeEvent(item.event);
    if (!isCommand(event)) return { state: 'done', tries: item.tries, dueAt: null };
    if (item.stage === 'cut' && hasPast(item)) await inheritSnapshots(dataSource, instance, item);
    const isOverruled =
      item.stage === 'restore' && (isVoid || (await isOvertaken(dataSource, instance, item)));
    const runner = new StageRunner(
      this.c,
      workOf(this.c, item, event),
      this.drain.signal,
      () => isOverruled || (item.stage === 'cut' && this.superseded.has(item.optOutId)),
      result => workSettled(instance, item, result),
    );
    return runner.run();
  }

  private async runWaiting(key: string): Promise<void> {
    for (;;) {
      const next = await takeNextOfKey(this.c.dataSource, this.c.instance, this.c.owner, key);
      if (!next) return;
      failpoint('unpark.before-delete');
      await this.runItem(next);
    }
  }
}
