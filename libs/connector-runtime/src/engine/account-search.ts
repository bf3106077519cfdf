import type { Target } from '@sever/connector-sdk';
import { FIELD_PATHS } from '@sever/event-contracts';
import { accountAdopted, findAccount } from '../store/account-store.js';
import type { Failure } from './failure-policy.js';
import type { OutcomeEvents, Place } from './outcome-event.js';
import type { StepCalls } from './step-calls.js';
import type { Identifiers, InstanceContext, Work, WorkResult } from './work-context.js';
import type { WorkLedger } from './work-ledger.js';

const APPEARED: Failure = {
  kind: 'Conflict',
  code: 'account.appeared',
  help: 'an account of this name was made after the cut: opt the person out again, or waive the deletion',
  evidence: {},
};

/** Finds the account that a piece of work is about. */
export class AccountSearch {
  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
    private readonly events: OutcomeEvents,
    private readonly calls: StepCalls,
    private readonly ledger: WorkLedger,
  ) {}

  /** The adopted account, or a fresh search by the binding's rule; no target means: observed to be absent. */
  async find(): Promise<{ target: Target | undefined } | { stop: WorkResult }> {
    const { instance, dataSource, keys } = this.c;
    const [adopted, identifiers] = await Promise.all([
      this.work.hasPast
        ? findAccount(dataSource, keys, instance, this.work.tenant, this.work.subject)
        : undefined,
      this.work.identifiers(),
    ]);
    // Nothing was ever adopted: there is nothing to give back.
    if (!adopted && this.work.stage === 'restore') return { target: undefined };
    this.events.hide([identifiers?.userName, identifiers?.externalId, identifiers?.formerUserName]);
    if (adopted) return { target: adopted };
    if (!identifiers) return { target: undefined };
    const place: Place = { step: null, attempt: 0, phase: 'locate' };
    const found = await this.locate(identifiers);
    // The cut saw no account: one that appeared since has had no cut and no hold, and is not deleted.
    if (found.kind === 'Located' && this.work.stage === 'purge')
      return { stop: await this.ledger.stopped(APPEARED, place) };
    if (found.kind === 'Located') return this.adopt(found.target);
    if (found.kind === 'NotFound' && found.confirmed) {
      await this.ledger.write([this.events.notFound(found, place)]);
      return { target: undefined };
    }
    return { stop: await this.ledger.stopped(found, place) };
  }

  /** A rename on the way out (a provider frees the name) does not reach the systems: there the person is still called as before. */
  private async locate({
    formerUserName,
    ...now
  }: Identifiers): Promise<Awaited<ReturnType<StepCalls['locate']>>> {
    const found = await this.calls.locate(now);
    const isNowhere = found.kind === 'NotFound' && found.confirmed;
    if (!isNowhere || formerUserName === undefined || this.work.stage !== 'cut') return found;
    return this.calls.locate({ ...now, userName: formerUserName });
  }

  private async adopt(target: Target): Promise<{ target: Target } | { stop: WorkResult }> {
    if (target.protectedBy !== undefined) {
      const refusal: Failure = { kind: 'Protected', rule: target.protectedBy, evidence: {} };
      return { stop: await this.ledger.stopped(refusal, { step: null, attempt: 0, phase: 'locate' }) };
    }
    const { instance, dataSource, keys } = this.c;
    const { tenant, subject } = this.work;
    const eventId = this.events.adoptedId();
    const field = { tenant, subject, eventId, path: FIELD_PATHS.accountRef };
    const sealed = await keys.encrypt(dataSource.manager, field, target.id);
    const { matchedBy } = target;
    await this.ledger.write([this.events.adopted(eventId, sealed, matchedBy)], undefined, [
      accountAdopted({ instance, tenant, subject, eventId, sealed, matchedBy }),
    ]);
    return { target };
  }
}
