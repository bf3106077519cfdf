import type { EventData, SeverEvent } from '@sever/event-contracts';
import { operatorEvent } from './operator-event.js';

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
    return operatorEvent(type, tenant, { ...place, ...rest } as EventData<T>);
  }
}
