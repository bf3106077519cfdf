import type { Outcome } from '@sever/connector-sdk';
import {
  OUTCOME_EVENT_TYPE,
  makeEvent,
  outcomeId,
  type Disposition,
  type EncryptedField,
  type EventData,
  type OutcomeEventType,
  type SeverEvent,
  type Step,
} from '@sever/event-contracts';
import { EvidenceFilter } from './evidence-filter.js';
import type { Failure } from './failure-policy.js';
import type { InstanceContext, Work } from './work-context.js';

export type Phase = 'locate' | 'act' | 'verify' | 'restore';

/** Where in the work something happened. `attempt` 0 stands for facts of the work as a whole. */
export type Place = { step: Step | null; attempt: number; phase: Phase };

/** Builds this instance's events about one piece of work. */
export class OutcomeEvents {
  private filter = new EvidenceFilter([]);

  constructor(
    private readonly c: InstanceContext,
    private readonly work: Work,
  ) {}

  /** From here on these texts stand in no event, whatever a connector writes. */
  hide(personal: readonly (string | undefined)[]): void {
    this.filter = new EvidenceFilter(personal);
  }

  adopted(id: string, sealed: EncryptedField, key: string): SeverEvent {
    return this.make('sever.account.adopted.v1', id, { ...this.base(0), accountRef: sealed, key });
  }

  adoptedId(): string {
    return this.id('adopted', { step: null, attempt: 0, phase: 'locate' });
  }

  notFound(outcome: Extract<Outcome, { kind: 'NotFound' }>, place: Place): SeverEvent {
    const data = {
      ...this.base(place.attempt),
      evidence: this.filter.clean(outcome.evidence),
      keysTried: outcome.keysTried.map(key => this.filter.text(key)),
      confirmed: outcome.confirmed,
    };
    return this.make('sever.account.not-found.v1', this.id('not-found', place), data);
  }

  /** Done, AlreadyDone, Verified: facts about one step. */
  step(
    outcome: Extract<Outcome, { kind: 'Done' | 'AlreadyDone' | 'Verified' }>,
    step: Step,
    attempt: number,
  ): SeverEvent {
    const type = OUTCOME_EVENT_TYPE[outcome.kind];
    const residualAccessUntil = outcome.residualAccessUntil?.toISOString() ?? null;
    return this.make(type, this.id(outcome.kind, { step, attempt, phase: 'act' }), {
      ...this.base(attempt),
      step,
      evidence: this.filter.clean(outcome.evidence),
      residualAccessUntil,
    });
  }

  accepted(outcome: Extract<Outcome, { kind: 'Accepted' }>, step: Step, attempt: number): SeverEvent {
    const data = {
      ...this.base(attempt),
      step,
      evidence: this.filter.clean(outcome.evidence),
      pollAfter: outcome.pollAfter.toISOString(),
      giveUpAt: outcome.giveUpAt.toISOString(),
    };
    return this.make('sever.step.accepted.v1', this.id('accepted', { step, attempt, phase: 'act' }), data);
  }

  unsupported(step: Step, code: string): SeverEvent {
    return this.make(
      'sever.step.unsupported.v1',
      this.id('unsupported', { step, attempt: 0, phase: 'act' }),
      { ...this.base(0), step, code },
    );
  }

  restored(step: Step, attempt: number): SeverEvent {
    return this.make('sever.step.restored.v1', this.id('restored', { step, attempt, phase: 'restore' }), {
      ...this.base(attempt),
      step,
    });
  }

  snapshotId(step: Step): string {
    return this.id('snapshot', { step, attempt: 0, phase: 'act' });
  }

  snapshotTaken(step: Step, sha256: string, entries: number): SeverEvent {
    return this.make('sever.snapshot.taken.v1', this.snapshotId(step), {
      ...this.base(0),
      step,
      sha256,
      entries,
    });
  }

  stageFinished(): SeverEvent {
    return this.make(
      'sever.connector.stage-finished.v1',
      this.id('finished', { step: null, attempt: 0, phase: 'act' }),
      this.base(0),
    );
  }

  failed(failure: Failure, place: Place, disposition: Disposition): SeverEvent {
    const { step, attempt, phase } = place;
    const common = {
      ...this.base(attempt),
      step,
      phase,
      evidence: this.filter.clean(failure.evidence),
      code: this.filter.text(codeOf(failure)),
      disposition,
    };
    const id = this.id(`${failure.kind}:${phase}:${this.work.tries}`, place);
    switch (failure.kind) {
      case 'Transient':
        return this.make('sever.vendor.unavailable.v1', id, {
          ...common,
          effectUnknown: failure.effectUnknown,
        });
      case 'RateLimited':
        return this.make('sever.vendor.rate-limited.v1', this.id(`rate:${failure.until.getTime()}`, place), {
          ...common,
          until: failure.until.toISOString(),
        });
      case 'Protected':
        return this.make('sever.principal.protected.v1', id, {
          ...common,
          rule: this.filter.text(failure.rule),
        });
      default:
        return this.make(OUTCOME_EVENT_TYPE[failure.kind], id, common);
    }
  }

  private base(
    attempt: number,
  ): Pick<
    EventData<'sever.connector.stage-finished.v1'>,
    'actor' | 'target' | 'instance' | 'system' | 'stage' | 'attempt' | 'evidence'
  > {
    const { instance } = this.c;
    return {
      actor: { kind: 'connector', id: instance },
      target: { kind: 'account', id: this.work.subject, instance },
      instance,
      system: this.c.manifest.system,
      stage: this.work.stage,
      attempt: attempt || this.work.run,
      evidence: {},
    };
  }

  private id(fact: string, { step, attempt }: Place): string {
    const { requestEvent, run } = this.work;
    // A fact of no attempt belongs to its run: a later run states it anew instead of contradicting an event in the log.
    const of = attempt === 0 ? { fact: `run:${fact}`, attempt: run } : { fact, attempt };
    return outcomeId({ instance: this.c.instance, requestEvent, step: step ?? '-', ...of });
  }

  private make<T extends OutcomeEventType>(type: T, id: string, data: EventData<T>): SeverEvent {
    const { tenant, subject, optOutId, requestEvent, traceparent } = this.work;
    return makeEvent({
      type,
      id,
      source: `/connectors/${this.c.instance}`,
      tenant,
      subject,
      time: new Date(),
      optOutId,
      causationId: requestEvent,
      traceparent,
      data,
    }) as SeverEvent;
  }
}

/** Stable code of a failure: the connector's own, or the kind where the kind says it all. */
export const codeOf = (failure: Failure): string =>
  'code' in failure ? failure.code : 'principal.protected';
