import type { BoundTarget } from '@sever/directory';
import {
  FIELD_PATHS,
  makeEvent,
  newEventId,
  type Actor,
  type Asker,
  type BoundInstance,
  type Door,
  type EncryptedField,
  type EventData,
  type Guard,
  type SeverEvent,
} from '@sever/event-contracts';
import type { FieldBinding } from '@sever/subject-keys';
import { currentTraceparent } from '@sever/telemetry';
import type { IngressContext } from '../ingress-context.js';

/** Who asks, through which door, about whom: the part that all events of one request have in common. */
export type Request = {
  tenant: string;
  subject: string;
  actor: Actor;
  asker: Asker;
  door: Door;
  source: string;
  reason: string | null;
  /** The identifiers that the write changed, with the names of all attributes that it changed. */
  changed?: { identifiers: Identifiers; attributes: string[] } | undefined;
};

/** `formerUserName`: the name before a rename a short while ago, by which the systems may still know somebody who is cut off. */
export type Identifiers = {
  userName: string;
  externalId?: string | undefined;
  formerUserName?: string | undefined;
};

/** Encrypts personal fields under the key of the person whom an event is about. */
export type Encrypt = (field: FieldBinding, text: string) => Promise<EncryptedField>;

/** Builds the one event of a request, its personal fields encrypted. */
export class EventDraft {
  readonly id = newEventId();
  private readonly time = new Date();

  constructor(
    private readonly context: IngressContext,
    /** Encrypts a personal field of this event. */
    private readonly encrypt: Encrypt,
    readonly request: Request,
  ) {}

  /** @param guard why the governor holds it; undefined when it begins at once */
  async optOutRequested(
    optOutId: string,
    identifiers: Identifiers,
    resourceRemoved: boolean,
    targets: readonly BoundTarget[],
    guard?: Guard,
  ): Promise<SeverEvent> {
    const cut = await this.cut(identifiers, targets);
    const { asker, changed } = this.request;
    const data = { ...cut, asker, resourceRemoved, ...(changed && { attributes: changed.attributes }) };
    return guard
      ? this.make('sever.optout.staged.v1', optOutId, { ...data, guard })
      : this.make('sever.optout.requested.v1', optOutId, data);
  }

  /** A staged opt-out begins: whatever its connectors need to know is said again, as it is now. */
  async optOutApproved(
    optOutId: string,
    identifiers: Identifiers,
    targets: readonly BoundTarget[],
  ): Promise<SeverEvent> {
    return this.make('sever.optout.approved.v1', optOutId, await this.cut(identifiers, targets));
  }

  private async cut(
    identifiers: Identifiers,
    targets: readonly BoundTarget[],
  ): Promise<EventData<'sever.optout.approved.v1'>> {
    // First, so that the person's key is read once.
    const sealed = await this.seal(FIELD_PATHS.identifiers, JSON.stringify(identifiers));
    const instances = await this.instancesOf(targets);
    return {
      ...this.fact(),
      door: this.request.door,
      reason: await this.reason(),
      identifiers: sealed,
      instances,
      nothingBound: instances.length === 0,
      hold: this.context.policy.hold,
      cutDeadlineSeconds: this.context.policy.cutDeadlineSeconds,
    };
  }

  async onOptOut<T extends OperatorEventType>(
    type: T,
    optOutId: string,
    rest: Omit<OperatorData<T>, keyof Fact | 'door' | 'reason'>,
  ): Promise<SeverEvent> {
    const reason = await this.reason();
    const changed = TELL_CHANGED_IDENTIFIERS.has(type) ? await this.changedIdentifiers() : {};
    const data = { ...this.fact(), door: this.request.door, reason, ...changed, ...rest };
    return this.make(type, optOutId, data as unknown as OperatorData<T>);
  }

  async onResource(
    type: 'sever.subject.registered.v1' | 'sever.subject.linked.v1',
    resource: { connection: string; resource: string },
    identifiers: Identifiers,
    active: boolean,
  ): Promise<SeverEvent> {
    const sealed = await this.seal(FIELD_PATHS.identifiers, JSON.stringify(identifiers));
    return this.make(type, undefined, {
      ...this.fact(),
      door: this.request.door,
      ...resource,
      identifiers: sealed,
      active,
    });
  }

  async identifiersChanged(
    resource: { connection: string; resource: string },
    identifiers: Identifiers,
    attributes: string[],
  ): Promise<SeverEvent> {
    const sealed = await this.seal(FIELD_PATHS.identifiers, JSON.stringify(identifiers));
    return this.make('sever.subject.identifiers-changed.v1', undefined, {
      ...this.fact(),
      door: this.request.door,
      ...resource,
      identifiers: sealed,
      attributes,
    });
  }

  updated(resource: { connection: string; resource: string }, attributes: string[]): SeverEvent {
    return this.make('sever.subject.updated.v1', undefined, {
      ...this.fact(),
      door: this.request.door,
      ...resource,
      attributes,
    });
  }

  resourceRemoved(resource: { connection: string; resource: string }): SeverEvent {
    return this.make('sever.subject.resource-removed.v1', undefined, {
      ...this.fact(),
      door: this.request.door,
      ...resource,
    });
  }

  private fact(): Fact {
    return { actor: this.request.actor, target: { kind: 'subject', id: this.request.subject } };
  }

  private make<T extends SeverEvent['type']>(
    type: T,
    optOutId: string | undefined,
    data: SeverEvent<T>['data'],
  ): SeverEvent {
    const { tenant, subject, source } = this.request;
    return makeEvent({
      type,
      id: this.id,
      source,
      tenant,
      subject,
      time: this.time,
      optOutId,
      traceparent: currentTraceparent(),
      data,
    }) as SeverEvent;
  }

  private seal(path: string, text: string): Promise<EncryptedField> {
    const { tenant, subject } = this.request;
    return this.encrypt({ tenant, subject, eventId: this.id, path }, text);
  }

  private async changedIdentifiers(): Promise<{ identifiers?: EncryptedField; attributes?: string[] }> {
    const { changed } = this.request;
    if (!changed) return {};
    const identifiers = await this.seal(FIELD_PATHS.identifiers, JSON.stringify(changed.identifiers));
    return { identifiers, attributes: changed.attributes };
  }

  private reason(): Promise<EncryptedField | null> {
    return this.request.reason === null
      ? Promise.resolve(null)
      : this.seal(FIELD_PATHS.reason, this.request.reason);
  }

  private instancesOf(targets: readonly BoundTarget[]): Promise<BoundInstance[]> {
    return Promise.all(
      targets.map(async ({ instance, system, steps, waivers }) => ({
        instance,
        system,
        steps,
        waivers: await Promise.all(
          waivers.map(async w => ({
            ...w,
            reason: await this.seal(FIELD_PATHS.bindingWaiverReason(instance, w.step), w.reason),
          })),
        ),
      })),
    );
  }
}

type Fact = { actor: Actor; target: { kind: 'subject'; id: string } };
type OperatorEventType =
  | 'sever.optout.repeated.v1'
  | 'sever.optout.restore-requested.v1'
  | 'sever.optout.restore-refused.v1'
  | 'sever.optout.rehired-after-purge.v1'
  | 'sever.optout.retry-requested.v1'
  | 'sever.optout.waived.v1'
  | 'sever.optout.rejected.v1'
  | 'sever.optout.hold-placed.v1'
  | 'sever.optout.hold-released.v1';
/** A write has one event: where one of these tells it, nothing else would tell what the person is called now. */
const TELL_CHANGED_IDENTIFIERS: ReadonlySet<OperatorEventType> = new Set([
  'sever.optout.repeated.v1',
  'sever.optout.restore-requested.v1',
  'sever.optout.restore-refused.v1',
  'sever.optout.rehired-after-purge.v1',
]);
type OperatorData<T extends OperatorEventType> = SeverEvent<T>['data'];
