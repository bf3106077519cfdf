import { failpoint } from '@sever/config';
import type { Outcome } from '@sever/connector-sdk';
import type { SeverEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import type { Statement } from '@sever/postgres';
import { attemptSettled, type Delivery, type DeliveryStatus } from '../store/delivery-store.js';
import { countsAsTry, dispositionOf, type Failure } from './failure-policy.js';
import type { OutcomeEvents, Place } from './outcome-event.js';
import { isFailure } from './stage-plan.js';
import type { Denied } from './step-calls.js';
import type { InstanceContext, Work, WorkResult } from './work-context.js';

/** What a call came to, as the runner passes it on when it was not what the work needed. */
export type Answer = Outcome | Denied | { kind: 'Snapshot' } | { kind: 'Located' };

/** Ends the run in the transaction of its last fact, so that no crash comes between them. */
export type Settle = (result: WorkResult) => Statement;

/** Wait before work that Sever itself held back is looked at again, in milliseconds. */
const DENIED_MS = 1_000;

/** Writes what a run saw, and how it ended. */
export class WorkLedger {
  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
    private readonly events: OutcomeEvents,
    private readonly settle: Settle,
  ) {}

  /** Records a failure and says what follows; a refusal of Sever itself leaves no trace and no count. */
  async stopped(answer: Answer, place: Place, before: SeverEvent[] = []): Promise<WorkResult> {
    if (answer.kind === 'Denied') {
      if (before.length > 0) await this.write(before);
      return { state: 'retrying', tries: this.work.tries, dueAt: new Date(Date.now() + DENIED_MS) };
    }
    const outcome: Failure = isFailure(answer)
      ? answer
      : { kind: 'Malformed', code: 'connector.answer-invalid', evidence: { answer: answer.kind } };
    const disposition = dispositionOf(outcome, {
      tries: this.work.tries,
      now: new Date(),
      deadline: this.work.deadline,
    });
    const status: DeliveryStatus = disposition.next === 'park' ? 'parked' : 'failed';
    const delivery =
      place.step && place.attempt > 0 ? { step: place.step, attempt: place.attempt, status } : undefined;
    const tries = this.work.tries + (countsAsTry(outcome) ? 1 : 0);
    const result: WorkResult = {
      state: disposition.next === 'park' ? 'parked' : 'retrying',
      tries,
      dueAt: disposition.dueAt === null ? null : new Date(disposition.dueAt),
    };
    const facts = [...before, this.events.failed(outcome, place, disposition)];
    if (!this.goesOn(result, place)) return this.end(result, facts, delivery);
    await this.write(facts, delivery);
    return result;
  }

  /** A refused step of the cut keeps no other step from being done. */
  goesOn(result: WorkResult, place: Place): boolean {
    return result.state === 'parked' && this.work.stage === 'cut' && place.step !== null;
  }

  finish(): Promise<WorkResult> {
    return this.end(this.result('done'), [this.events.stageFinished()]);
  }

  /** The last facts of a run and its end. */
  async end(result: WorkResult, facts: readonly SeverEvent[], delivery?: Delivery): Promise<WorkResult> {
    await this.write(facts, delivery, [this.settle(result)]);
    return { ...result, isStored: true };
  }

  result(state: WorkResult['state']): WorkResult {
    return { state, tries: this.work.tries, dueAt: null };
  }

  /** Facts, the attempt's end and what else belongs to them in one transaction. */
  async write(
    events: readonly SeverEvent[],
    delivery?: Delivery,
    also: readonly Statement[] = [],
  ): Promise<void> {
    const settled = delivery ? [attemptSettled(this.c.instance, this.work.requestEvent, delivery)] : [];
    failpoint('settle.before-commit');
    await this.c.writer.commit([...settled, ...also], events.map(toRecord));
    this.c.writer.wake();
    for (const event of events) this.c.metrics.outcomes.inc({ connector: this.c.instance, type: event.type });
  }
}
