import { failpoint } from '@sever/config';
import type { Outcome, Target } from '@sever/connector-sdk';
import { FIELD_PATHS, type SeverEvent, type Step } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { isDatabaseUnavailable, isSerializationFailure } from '@sever/postgres';
import type { EntityManager } from 'typeorm';
import { adoptAccount, findAccount, forgetAccount } from '../store/account-store.js';
import {
  beginAttempt,
  deliveries,
  settleAttempt,
  type Delivery,
  type DeliveryStatus,
} from '../store/delivery-store.js';
import { dropSnapshots, hasSnapshot, loadSnapshot, saveSnapshot } from '../store/snapshot-store.js';
import { countsAsTry, dispositionOf, unexpectedFailure, type Failure } from './failure-policy.js';
import { OutcomeEvents, type Place } from './outcome-event.js';
import { StepCalls, type Denied } from './step-calls.js';
import { isFailure, isWholeStageWaived, runnableSteps, snapshotSteps } from './stage-plan.js';
import type { InstanceContext, Work, WorkResult } from './work-context.js';

/** Wait before work that Sever itself held back is looked at again, in milliseconds. */
const DENIED_MS = 1_000;
/** Second try within the same run, for a failure that passes quickly. */
const QUICK_RETRY_MS = 300;

/** What one step came to: settled, parked while the others go on, or a reason to stop the run for now. */
type StepEnd =
  { kind: 'settled' } | { kind: 'parked' } | { kind: 'absent' } | { kind: 'stop'; result: WorkResult };

/** Runs one piece of work from where it stands; repeating it after a crash at any point converges. */
export class StageRunner {
  private readonly events: OutcomeEvents;
  private readonly calls: StepCalls;
  private known = new Map<Step, Delivery>();
  private parked = false;

  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
    drain: AbortSignal,
    private readonly isSuperseded: () => boolean,
    /** Ends the run in the transaction of its last fact, so that no crash comes between them. */
    private readonly settle: (em: EntityManager, result: WorkResult) => Promise<void>,
  ) {
    this.events = new OutcomeEvents(c, work);
    this.calls = new StepCalls(c, work, drain);
  }

  async run(): Promise<WorkResult> {
    try {
      return await this.stage();
    } catch (error) {
      if (isDatabaseUnavailable(error) || isSerializationFailure(error)) throw error;
      // One person's work that cannot go on must not take the process, and with it everybody else, down.
      this.c.logger.error(
        { err: error, requestEvent: this.work.requestEvent },
        'a piece of work failed unexpectedly',
      );
      return this.stopped(unexpectedFailure(error), { step: null, attempt: 0, phase: 'locate' });
    }
  }

  private async stage(): Promise<WorkResult> {
    if (isWholeStageWaived(this.c.manifest, this.work.stage, this.work.waived)) return this.finish();
    this.known = await deliveries(this.c.dataSource, this.c.instance, this.work.requestEvent);
    const located = await this.target();
    if ('stop' in located) return located.stop;
    if (!located.target) return this.finish();
    return this.work.stage === 'restore' ? this.restore(located.target) : this.steps(located.target);
  }

  private async steps(target: Target): Promise<WorkResult> {
    for (const capability of runnableSteps(this.c.manifest, this.work.stage)) {
      const { step } = capability;
      if (this.work.waived.has(step) || this.isSettled(step)) continue;
      if (this.isSuperseded()) return this.result('done');
      if (capability.support === 'unsupported') {
        await this.write([this.events.unsupported(step, 'manifest.unsupported')], {
          step,
          attempt: 0,
          status: 'unsupported',
        });
        continue;
      }
      const end =
        this.work.stage === 'reverify' ? await this.observe(step, target) : await this.step(step, target);
      if (end.kind === 'absent') return this.finish();
      if (end.kind === 'stop') return end.result;
      if (end.kind === 'parked') this.parked = true;
    }
    return this.parked ? this.result('parked') : this.finish();
  }

  /** The adopted account, or a fresh search by the binding's rule; no target means: observed to be absent. */
  private async target(): Promise<{ target: Target | undefined } | { stop: WorkResult }> {
    const { instance, dataSource, keys } = this.c;
    const adopted = await findAccount(dataSource, keys, instance, this.work.tenant, this.work.subject);
    if (adopted) return { target: adopted };
    // Nothing was ever adopted: there is nothing to give back.
    if (this.work.stage === 'restore') return { target: undefined };
    const identifiers = await this.work.identifiers();
    if (!identifiers) return { target: undefined };
    this.events.hide([identifiers.userName, identifiers.externalId]);
    const place: Place = { step: null, attempt: 0, phase: 'locate' };
    const found = await this.calls.locate(identifiers);
    if (found.kind === 'Located') return this.adopt(found.target);
    if (found.kind === 'NotFound' && found.confirmed) {
      await this.write([this.events.notFound(found, place)]);
      return { target: undefined };
    }
    return { stop: await this.stopped(found, place) };
  }

  private async adopt(target: Target): Promise<{ target: Target } | { stop: WorkResult }> {
    if (target.protectedBy !== undefined) {
      const refusal: Failure = { kind: 'Protected', rule: target.protectedBy, evidence: {} };
      return { stop: await this.stopped(refusal, { step: null, attempt: 0, phase: 'locate' }) };
    }
    const { instance, dataSource, keys, writer } = this.c;
    const { tenant, subject } = this.work;
    const eventId = this.events.adoptedId();
    await dataSource.transaction(async em => {
      const sealed = await keys.encrypt(
        em,
        { tenant, subject, eventId, path: FIELD_PATHS.accountRef },
        target.id,
      );
      await adoptAccount(em, { instance, tenant, subject, eventId, sealed, matchedBy: target.matchedBy });
      await writer.append(em, [toRecord(this.events.adopted(eventId, sealed, target.matchedBy))]);
    });
    writer.wake();
    return { target };
  }

  /** One step: snapshot where something is to be given back later, the durable attempt, the call, the proof. */
  private async step(step: Step, target: Target): Promise<StepEnd> {
    const blocked = await this.snapshot(step, target);
    if (blocked) return blocked;
    const before = this.known.get(step);
    for (let quick = 0; ; quick += 1) {
      const attempt = await beginAttempt(this.c.dataSource, this.c.instance, this.work.requestEvent, step);
      failpoint('connector.after-intent');
      const acted =
        before?.status === 'started' && quick === 0
          ? await this.reconciled(step, target, attempt)
          : await this.calls.act(step, target, attempt);
      failpoint('connector.after-call');
      await this.noteOutcome(acted);
      if (acted.kind === 'Transient' && quick === 0 && !this.c.breaker.isOpen) {
        await new Promise(resolve => setTimeout(resolve, QUICK_RETRY_MS * (0.5 + Math.random())));
        continue;
      }
      return this.afterAct(step, target, attempt, acted);
    }
  }

  /** The effect of an attempt that never reported is unknown: look first, repeat only if it is not there. */
  private async reconciled(step: Step, target: Target, attempt: number): Promise<Outcome | Denied> {
    const seen = await this.calls.verify(step, target, attempt);
    if (seen.kind === 'Verified')
      return {
        kind: 'AlreadyDone',
        evidence: { reconciled: true },
        residualAccessUntil: seen.residualAccessUntil,
      };
    return this.calls.act(step, target, attempt);
  }

  private async afterAct(
    step: Step,
    target: Target,
    attempt: number,
    acted: Outcome | Denied,
  ): Promise<StepEnd> {
    const place: Place = { step, attempt, phase: 'act' };
    switch (acted.kind) {
      case 'Done':
      case 'AlreadyDone':
        return this.prove(step, target, attempt, [this.events.step(acted, step, attempt)], acted);
      case 'NotFound':
        if (step === 'delete') return this.prove(step, target, attempt, [], undefined);
        return this.absent(acted, place);
      case 'Accepted':
        return { kind: 'stop', result: await this.accepted(acted, step, attempt) };
      case 'Unsupported':
        await this.write([this.events.unsupported(step, acted.code)], {
          step,
          attempt,
          status: 'unsupported',
        });
        return { kind: 'settled' };
      default:
        return this.failedStep(acted, place);
    }
  }

  private async accepted(
    outcome: Extract<Outcome, { kind: 'Accepted' }>,
    step: Step,
    attempt: number,
  ): Promise<WorkResult> {
    const result: WorkResult = { state: 'retrying', tries: this.work.tries, dueAt: outcome.pollAfter };
    await this.write(
      [this.events.accepted(outcome, step, attempt)],
      { step, attempt, status: 'started' },
      em => this.settle(em, result),
    );
    return result;
  }

  /** A separate read-only call proves the step; only its answer settles it. */
  private async prove(
    step: Step,
    target: Target,
    attempt: number,
    acted: SeverEvent[],
    by: Outcome | undefined,
  ): Promise<StepEnd> {
    const seen = await this.calls.verify(step, target, attempt);
    await this.noteOutcome(seen);
    if (seen.kind === 'NotFound' && seen.confirmed && step !== 'delete')
      return this.absent(seen, { step, attempt, phase: 'verify' });
    if (seen.kind !== 'Verified') return this.failedStep(seen, { step, attempt, phase: 'verify' }, acted);
    const residual = by && 'residualAccessUntil' in by ? by.residualAccessUntil : undefined;
    const proof = this.events.step(
      { ...seen, residualAccessUntil: seen.residualAccessUntil ?? residual },
      step,
      attempt,
    );
    await this.write([...acted, proof], { step, attempt, status: 'verified' }, async em => {
      if (step !== 'delete') return;
      await forgetAccount(em, this.c.instance, this.work.tenant, this.work.subject);
      await dropSnapshots(em, this.c.instance, this.work.optOutId);
    });
    return { kind: 'settled' };
  }

  /** Re-verification: nothing is done, only looked at. */
  private async observe(step: Step, target: Target): Promise<StepEnd> {
    const seen = await this.calls.verify(step, target, 0);
    if (seen.kind === 'Verified') await this.write([this.events.step(seen, step, 0)]);
    else if (seen.kind === 'StillPresent')
      await this.write([
        this.events.failed(seen, { step, attempt: 0, phase: 'verify' }, { next: 'continue', dueAt: null }),
      ]);
    else if (seen.kind !== 'NotFound') return this.failedStep(seen, { step, attempt: 0, phase: 'verify' });
    return { kind: 'settled' };
  }

  private async absent(outcome: Extract<Outcome, { kind: 'NotFound' }>, place: Place): Promise<StepEnd> {
    await this.write([this.events.notFound(outcome, place)], undefined, em =>
      forgetAccount(em, this.c.instance, this.work.tenant, this.work.subject),
    );
    return { kind: 'absent' };
  }

  /** What is taken away must be written down first; without a complete snapshot nothing is taken. */
  private async snapshot(step: Step, target: Target): Promise<StepEnd | undefined> {
    const { instance, keys, dataSource, writer, connector } = this.c;
    if (this.work.stage !== 'cut' || !connector.snapshot || !snapshotSteps.has(step)) return undefined;
    const { optOutId, tenant, subject } = this.work;
    const of = { instance, optOutId, step, tenant, subject };
    if (await hasSnapshot(dataSource, of)) return undefined;
    const taken = await this.calls.snapshot(step, target);
    if (taken.kind === 'NotFound') return this.absent(taken, { step, attempt: 0, phase: 'act' });
    if (taken.kind !== 'Snapshot') return this.failedStep(taken, { step, attempt: 0, phase: 'act' });
    const eventId = this.events.snapshotId(step);
    await dataSource.transaction(async em => {
      const sha256 = await saveSnapshot(em, keys, of, eventId, taken.snapshot);
      await writer.append(em, [
        toRecord(this.events.snapshotTaken(step, sha256, taken.snapshot.entries.length)),
      ]);
    });
    return undefined;
  }

  /** Entitlements first, then the lock; sessions and credentials are observed dead and never come back. */
  private async restore(target: Target): Promise<WorkResult> {
    const { instance, keys, dataSource } = this.c;
    const { optOutId, tenant, subject } = this.work;
    for (const step of ['stripEntitlements', 'suspend'] as const) {
      if (this.known.get(step)?.status === 'restored') continue;
      const snapshot = await loadSnapshot(dataSource, keys, { instance, optOutId, step, tenant, subject });
      if (!snapshot) continue;
      const attempt = await beginAttempt(dataSource, instance, this.work.requestEvent, step);
      const given = await this.calls.restore(step, snapshot, target, attempt);
      await this.noteOutcome(given);
      const place: Place = { step, attempt, phase: 'restore' };
      if (given.kind !== 'Done' && given.kind !== 'AlreadyDone') {
        const end = await this.failedStep(given, place);
        return end.kind === 'stop' ? end.result : this.result('parked');
      }
      await this.write([this.events.restored(step, attempt)], { step, attempt, status: 'restored' });
    }
    await dropSnapshots(dataSource, instance, optOutId);
    await forgetAccount(dataSource, instance, tenant, subject);
    return this.finish();
  }

  private async failedStep(
    outcome: Outcome | Denied | { kind: 'Snapshot' } | { kind: 'Located' },
    place: Place,
    before: SeverEvent[] = [],
  ): Promise<StepEnd> {
    const result = await this.stopped(outcome, place, before);
    return this.goesOn(result, place) ? { kind: 'parked' } : { kind: 'stop', result };
  }

  /** Records a failure and says what follows; a refusal of Sever itself leaves no trace and no count. */
  private async stopped(
    outcome: Outcome | Denied | { kind: 'Snapshot' } | { kind: 'Located' },
    place: Place,
    before: SeverEvent[] = [],
  ): Promise<WorkResult> {
    if (!isFailure(outcome)) {
      if (before.length > 0) await this.write(before);
      return { state: 'retrying', tries: this.work.tries, dueAt: new Date(Date.now() + DENIED_MS) };
    }
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
    const end = this.goesOn(result, place)
      ? undefined
      : (em: EntityManager): Promise<void> => this.settle(em, result);
    await this.write([...before, this.events.failed(outcome, place, disposition)], delivery, end);
    return result;
  }

  /** A refused step of the cut keeps no other step from being done. */
  private goesOn(result: WorkResult, place: Place): boolean {
    return result.state === 'parked' && this.work.stage === 'cut' && place.step !== null;
  }

  private async finish(): Promise<WorkResult> {
    const result = this.result('done');
    await this.write([this.events.stageFinished()], undefined, em => this.settle(em, result));
    return result;
  }

  private result(state: WorkResult['state']): WorkResult {
    return { state, tries: this.work.tries, dueAt: null };
  }

  private isSettled(step: Step): boolean {
    const status = this.known.get(step)?.status;
    return status === 'verified' || status === 'unsupported';
  }

  private async noteOutcome(outcome: Outcome | Denied): Promise<void> {
    if (outcome.kind !== 'Denied') await this.c.breaker.note(outcome, this.work.subject);
  }

  /** Facts, the attempt's end and what else belongs to them in one transaction, the append last. */
  private async write(
    events: readonly SeverEvent[],
    delivery?: Delivery,
    also?: (em: EntityManager) => Promise<void>,
  ): Promise<void> {
    await this.c.dataSource.transaction(async em => {
      if (delivery) await settleAttempt(em, this.c.instance, this.work.requestEvent, delivery);
      await also?.(em);
      await this.c.writer.append(em, events.map(toRecord));
      failpoint('settle.before-commit');
    });
    this.c.writer.wake();
    for (const event of events) this.c.metrics.outcomes.inc({ connector: this.c.instance, type: event.type });
  }
}
