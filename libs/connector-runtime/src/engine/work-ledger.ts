import { failpoint } from '@sever/config';
import type { Outcome } from '@sever/connector-sdk';
import type { SeverEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { CHANGED } from '@sever/event-log-postgres';
import type { Statement } from '@sever/postgres';
import { accountForgotten } from '../store/account-store.js';
import { attemptsSettled, type Delivery, type DeliveryStatus } from '../store/delivery-store.js';
import { snapshotsDropped } from '../store/snapshot-store.js';
import { countsAsTry, dispositionOf, type Failure } from './failure-policy.js';
import type { OutcomeEvents, Place } from './outcome-event.js';
import { isFailure } from './stage-plan.js';
import type { Denied } from './step-calls.js';
import type { InstanceContext, Work, WorkResult } from './work-context.js';

/** What a call came to, as the runner passes it on when it was not what the work needed. */
export type Answer = Outcome | Denied | { kind: 'Snapshot' } | { kind: 'Located' };

/** Ends the run in the transaction of its last fact, so that no crash comes between them. */
export type Settle = (result: WorkResult) => Statement;

/** What one step came to: settled, parked while the others go on, or a reason to stop the run for now. */
export type StepEnd =
  { kind: 'settled' } | { kind: 'parked' } | { kind: 'absent' } | { kind: 'stop'; result: WorkResult };

/** Wait before work that Sever itself held back is looked at again, in milliseconds. */
const DENIED_MS = 1_000;

/** Writes what a run saw, and how it ended. */
export class WorkLedger {
  private held: { events: SeverEvent[]; deliveries: Delivery[] } = { events: [], deliveries: [] };

  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
    private readonly events: OutcomeEvents,
    private readonly settle: Settle,
  ) {}

  /** Records a failure and says what follows; a refusal of Sever itself leaves no trace and no count. */
  async stopped(answer: Answer, place: Place, before: SeverEvent[] = []): Promise<WorkResult> {
    if (answer.kind === 'Denied') {
      if (before.length + this.held.events.length > 0) await this.write(before);
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

  /** Records what a step came to when it was not what the work needed. */
  async failedStep(outcome: Answer, place: Place, before: SeverEvent[] = []): Promise<StepEnd> {
    const result = await this.stopped(outcome, place, before);
    return this.goesOn(result, place) ? { kind: 'parked' } : { kind: 'stop', result };
  }

  /** Somebody else removed the account: nothing is left to be done there, and nothing to be remembered. */
  async absent(outcome: Extract<Outcome, { kind: 'NotFound' }>, place: Place): Promise<StepEnd> {
    const { instance } = this.c;
    await this.write([this.events.notFound(outcome, place)], undefined, [
      accountForgotten(instance, this.work.tenant, this.work.subject),
    ]);
    return { kind: 'absent' };
  }

  /** Nothing is left to give back, or to give it back to. */
  forgotten(): Statement[] {
    const { instance } = this.c;
    const { tenant, subject, optOutId } = this.work;
    return [accountForgotten(instance, tenant, subject), snapshotsDropped(instance, optOutId)];
  }

  /** A refused step of the cut keeps no other step from being done. */
  goesOn(result: WorkResult, place: Place): boolean {
    return result.state === 'parked' && this.work.stage === 'cut' && place.step !== null;
  }

  finish(): Promise<WorkResult> {
    return this.end(this.result('done'), [this.events.stageFinished()]);
  }

  /**
   * The last facts of a run and its end. When another run has taken the work over meanwhile nothing is written: that one sees for
   * itself, and says how the work ends.
   */
  async end(result: WorkResult, facts: readonly SeverEvent[], delivery?: Delivery): Promise<WorkResult> {
    const { events, ended } = this.withHeld(facts, delivery);
    const { instance, writer } = this.c;
    const further =
      ended.length > 0 ? [attemptsSettled(instance, this.work.requestEvent, ended, CHANGED)] : [];
    failpoint('settle.before-commit');
    if (await writer.commitIf(this.settle(result), further, events.map(toRecord))) this.told(events);
    return { ...result, isStored: true };
  }

  /** The end of a run without a fact of its own; the engine stores it. */
  async leave(state: WorkResult['state']): Promise<WorkResult> {
    if (this.held.events.length > 0) await this.write([]);
    return this.result(state);
  }

  private result(state: WorkResult['state']): WorkResult {
    return { state, tries: this.work.tries, dueAt: null };
  }

  /** Keeps a fact for the next {@link write} of the run. Lost in a crash, it is observed anew. */
  hold(events: readonly SeverEvent[], delivery: Delivery): void {
    this.held.events.push(...events);
    this.held.deliveries.push(delivery);
  }

  /** Facts, the attempt's end and what else belongs to them in one transaction. */
  async write(
    facts: readonly SeverEvent[],
    delivery?: Delivery,
    also: readonly Statement[] = [],
  ): Promise<void> {
    const { events, ended } = this.withHeld(facts, delivery);
    const { instance, writer } = this.c;
    const settled = ended.length > 0 ? [attemptsSettled(instance, this.work.requestEvent, ended)] : [];
    failpoint('settle.before-commit');
    await writer.commit([...settled, ...also], events.map(toRecord));
    this.told(events);
  }

  /** What was held comes first, and is held no longer. */
  private withHeld(
    facts: readonly SeverEvent[],
    delivery: Delivery | undefined,
  ): { events: SeverEvent[]; ended: Delivery[] } {
    const { events, deliveries } = this.held;
    this.held = { events: [], deliveries: [] };
    return { events: [...events, ...facts], ended: [...deliveries, ...(delivery ? [delivery] : [])] };
  }

  private told(events: readonly SeverEvent[]): void {
    this.c.writer.wake();
    for (const { type } of events) this.c.metrics.outcomes.inc({ connector: this.c.instance, type });
  }
}
