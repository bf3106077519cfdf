import { failpoint } from '@sever/config';
import type { Outcome, Target } from '@sever/connector-sdk';
import type { SeverEvent, Step } from '@sever/event-contracts';
import { isDatabaseUnavailable, isSerializationFailure } from '@sever/postgres';
import { beginAttempt, deliveries, type Delivery } from '../store/delivery-store.js';
import { hasSnapshot, sealedSnapshot } from '../store/snapshot-store.js';
import { AccountSearch } from './account-search.js';
import { GivingBack } from './giving-back.js';
import { unexpectedFailure } from './failure-policy.js';
import { OutcomeEvents, type Place } from './outcome-event.js';
import { StepCalls, type Denied } from './step-calls.js';
import { isWholeStageWaived, runnableSteps, snapshotSteps } from './stage-plan.js';
import type { InstanceContext, Work, WorkResult } from './work-context.js';
import { WorkLedger, type Settle, type StepEnd } from './work-ledger.js';

/** Second try within the same run, for a failure that passes quickly. */
const QUICK_RETRY_MS = 300;

/** Urgency of the parts of a person's work: first everybody is found, then everybody is locked. */
const FIND = 0;
const FIRST_STEP = 1;

/** Runs one piece of work from where it stands; repeating it after a crash at any point converges. */
export class StageRunner {
  private readonly events: OutcomeEvents;
  private readonly calls: StepCalls;
  private readonly ledger: WorkLedger;
  private readonly accounts: AccountSearch;
  private readonly giving: GivingBack;
  private known = new Map<Step, Delivery>();
  private parked = false;
  /** The step after which nothing is called any more. */
  private lastStep: Step | undefined;

  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
    drain: AbortSignal,
    private readonly isSuperseded: () => boolean,
    settle: Settle,
  ) {
    this.events = new OutcomeEvents(c, work);
    this.calls = new StepCalls(c, work, drain);
    this.ledger = new WorkLedger(c, work, this.events, settle);
    this.accounts = new AccountSearch(c, work, this.events, this.calls, this.ledger);
    this.giving = new GivingBack(c, work, this.events, this.calls, this.ledger);
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
      return this.ledger.stopped(unexpectedFailure(error), { step: null, attempt: 0, phase: 'locate' });
    }
  }

  private async stage(): Promise<WorkResult> {
    if (this.work.stage === 'restore' && this.isSuperseded()) return this.ledger.finish();
    if (isWholeStageWaived(this.c.manifest, this.work.stage, this.work.waived)) return this.ledger.finish();
    const located = await this.c.turns.run(FIND, () => this.accounts.find());
    if ('stop' in located) return located.stop;
    const { target } = located;
    if (!target) return this.ledger.finish();
    // A first run has attempted nothing yet.
    if (this.work.run > 1)
      this.known = await deliveries(this.c.dataSource, this.c.instance, this.work.requestEvent);
    return this.work.stage === 'restore'
      ? this.c.turns.run(FIRST_STEP, () => this.giving.back(target, this.known))
      : this.steps(target);
  }

  private async steps(target: Target): Promise<WorkResult> {
    const capabilities = runnableSteps(this.c.manifest, this.work.stage);
    this.lastStep = capabilities.findLast(c => c.support !== 'unsupported' && this.isOpen(c.step))?.step;
    for (const [i, capability] of capabilities.entries()) {
      const { step } = capability;
      if (!this.isOpen(step)) continue;
      if (this.isSuperseded()) return this.ledger.leave('done');
      if (capability.support === 'unsupported') {
        const nothing: Delivery = { step, attempt: 0, status: 'unsupported' };
        this.ledger.hold([this.events.unsupported(step, 'manifest.unsupported')], nothing);
        continue;
      }
      const end = await this.c.turns.run(FIRST_STEP + i, () => this.turn(step, target));
      if (end.kind === 'absent') return this.ledger.finish();
      if (end.kind === 'stop') return end.result;
      if (end.kind === 'parked') this.parked = true;
    }
    return this.parked ? this.ledger.leave('parked') : this.ledger.finish();
  }

  /** A step whose turn has come; a restore may have been asked for meanwhile. */
  private async turn(step: Step, target: Target): Promise<StepEnd> {
    if (this.isSuperseded()) return { kind: 'stop', result: await this.ledger.leave('done') };
    return this.work.stage === 'reverify' ? this.observe(step, target) : this.step(step, target);
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
        return this.ledger.absent(acted, place);
      case 'Accepted':
        return { kind: 'stop', result: await this.accepted(acted, step, attempt) };
      case 'Unsupported':
        await this.ledger.write([this.events.unsupported(step, acted.code)], {
          step,
          attempt,
          status: 'unsupported',
        });
        return { kind: 'settled' };
      default:
        return this.ledger.failedStep(acted, place);
    }
  }

  private async accepted(
    outcome: Extract<Outcome, { kind: 'Accepted' }>,
    step: Step,
    attempt: number,
  ): Promise<WorkResult> {
    const result: WorkResult = { state: 'retrying', tries: this.work.tries, dueAt: outcome.pollAfter };
    return this.ledger.end(result, [this.events.accepted(outcome, step, attempt)], {
      step,
      attempt,
      status: 'started',
    });
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
    if (seen.kind === 'NotFound' && seen.confirmed && step !== 'delete')
      return this.ledger.absent(seen, { step, attempt, phase: 'verify' });
    if (seen.kind !== 'Verified')
      return this.ledger.failedStep(seen, { step, attempt, phase: 'verify' }, acted);
    const residual = by && 'residualAccessUntil' in by ? by.residualAccessUntil : undefined;
    const proof = this.events.step(
      { ...seen, residualAccessUntil: seen.residualAccessUntil ?? residual },
      step,
      attempt,
    );
    const verified: Delivery = { step, attempt, status: 'verified' };
    // What ends the stage is written together with it.
    if (step === this.lastStep && step !== 'delete') this.ledger.hold([...acted, proof], verified);
    else
      await this.ledger.write([...acted, proof], verified, step === 'delete' ? this.ledger.forgotten() : []);
    return { kind: 'settled' };
  }

  /** Re-verification: nothing is done, only looked at. */
  private async observe(step: Step, target: Target): Promise<StepEnd> {
    const seen = await this.calls.verify(step, target, 0);
    if (seen.kind === 'Verified') await this.ledger.write([this.events.step(seen, step, 0)]);
    else if (seen.kind === 'StillPresent')
      await this.ledger.write([
        this.events.failed(seen, { step, attempt: 0, phase: 'verify' }, { next: 'continue', dueAt: null }),
      ]);
    else if (seen.kind !== 'NotFound')
      return this.ledger.failedStep(seen, { step, attempt: 0, phase: 'verify' });
    return { kind: 'settled' };
  }

  /** What is taken away must be written down first; without a complete snapshot nothing is taken. */
  private async snapshot(step: Step, target: Target): Promise<StepEnd | undefined> {
    const { instance, keys, dataSource, connector } = this.c;
    if (this.work.stage !== 'cut' || !connector.snapshot || !snapshotSteps.has(step)) return undefined;
    const { optOutId, tenant, subject } = this.work;
    const of = { instance, optOutId, step, tenant, subject };
    if (this.work.hasPast && (await hasSnapshot(dataSource, of))) return undefined;
    const taken = await this.calls.snapshot(step, target);
    if (taken.kind === 'NotFound') return this.ledger.absent(taken, { step, attempt: 0, phase: 'act' });
    if (taken.kind !== 'Snapshot') return this.ledger.failedStep(taken, { step, attempt: 0, phase: 'act' });
    const eventId = this.events.snapshotId(step);
    const { saved, sha256 } = await sealedSnapshot(dataSource, keys, of, eventId, taken.snapshot);
    const fact = this.events.snapshotTaken(step, sha256, taken.snapshot.entries.length);
    await this.ledger.write([fact], undefined, [saved]);
    return undefined;
  }

  private isOpen(step: Step): boolean {
    const status = this.known.get(step)?.status;
    return status !== 'verified' && status !== 'unsupported' && !this.work.waived.has(step);
  }
}
