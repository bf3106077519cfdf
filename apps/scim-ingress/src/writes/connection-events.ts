import { makeEvent, newEventId, type EventData, type SeverEvent } from '@sever/event-contracts';
import { currentTraceparent } from '@sever/telemetry';

/** All that are about one connection. */
type ConnectionEventType = Exclude<
  Extract<SeverEvent['type'], `sever.connection.${string}`>,
  'sever.connection.governor-changed.v1'
>;
type Place = 'actor' | 'target' | 'connection';

/** Builds the events about one connection that an operator's request causes. */
export class ConnectionEvents {
  /** @param by the operator's principal */
  constructor(
    private readonly connection: { id: string; tenant: string },
    private readonly by: string,
  ) {}

  make<T extends ConnectionEventType>(type: T, rest: Omit<EventData<T>, Place>): SeverEvent {
    const { id, tenant } = this.connection;
    const place: Pick<EventData<ConnectionEventType>, Place> = {
      actor: { kind: 'operator', id: this.by },
      target: { kind: 'connection', id },
      connection: id,
    };
    return makeEvent({
      type,
      id: newEventId(),
      source: '/api',
      tenant,
      subject: '-',
      time: new Date(),
      traceparent: currentTraceparent(),
      data: { ...place, ...rest } as EventData<T>,
    }) as SeverEvent;
  }
}
