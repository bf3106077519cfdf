import type { Snapshot, Target } from '@sever/connector-sdk';
import { canonicalJson, type Step } from '@sever/event-contracts';
import { execute } from '@sever/postgres';
import { beginAttempt, type Delivery } from '../store/delivery-store.js';
import { loadSnapshot } from '../store/snapshot-store.js';
import type { OutcomeEvents, Place } from './outcome-event.js';
import type { StepCalls } from './step-calls.js';
import type { InstanceContext, Work, WorkResult } from './work-context.js';
import type { Answer, WorkLedger } from './work-ledger.js';

/** Gives back what the cut took: the restore of a withdrawn opt-out. */
export class GivingBack {
  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
    private readonly events: OutcomeEvents,
    private readonly calls: StepCalls,
    private readonly ledger: WorkLedger,
  ) {}

  /** Entitlements first, then the lock; sessions and credentials are observed dead and never come back. */
  async back(target: Target, known: ReadonlyMap<Step, Delivery>): Promise<WorkResult> {
    const { instance, keys, dataSource } = this.c;
    const { optOutId, tenant, subject } = this.work;
    for (const step of ['stripEntitlements', 'suspend'] as const) {
      if (known.get(step)?.status === 'restored' || this.work.waived.has(step)) continue;
      const snapshot = await loadSnapshot(dataSource, keys, { instance, optOutId, step, tenant, subject });
      if (!snapshot) continue;
      const attempt = await beginAttempt(dataSource, instance, this.work.requestEvent, step);
      const given = await this.calls.restore(step, snapshot, target, attempt);
      const place: Place = { step, attempt, phase: 'restore' };
      if (given.kind === 'NotFound') {
        // Somebody removed the account meanwhile: there is nothing left to give anything back to.
        await this.ledger.absent(given, place);
        return this.ledger.finish();
      }
      if (given.kind !== 'Done' && given.kind !== 'AlreadyDone') {
        const end = await this.ledger.failedStep(given, place);
        return end.kind === 'stop' ? end.result : this.ledger.leave('parked');
      }
      const unproven = await this.restoreProblem(step, snapshot, target);
      if (unproven) {
        const end = await this.ledger.failedStep(unproven, place);
        return end.kind === 'stop' ? end.result : this.ledger.leave('parked');
      }
      await this.ledger.write([this.events.restored(step, attempt)], { step, attempt, status: 'restored' });
    }
    for (const statement of this.ledger.forgotten()) await execute(dataSource, statement);
    return this.ledger.finish();
  }

  /** A restore counts once a fresh look shows everything that was taken; undefined when it does. */
  private async restoreProblem(step: Step, snapshot: Snapshot, target: Target): Promise<Answer | undefined> {
    const now = await this.calls.snapshot(step, target);
    if (now.kind !== 'Snapshot') return now;
    const present = new Set(now.snapshot.entries.map(entry => canonicalJson(entry)));
    const missing = snapshot.entries.filter(entry => !present.has(canonicalJson(entry))).length;
    if (missing === 0) return undefined;
    const help = 'give back by hand what is missing, then waive the step';
    return { kind: 'Conflict', code: 'restore.incomplete', help, evidence: { missing } };
  }
}
