import {
  makeEvent,
  newEventId,
  type EventData,
  type EventType,
  type SeverEvent,
} from '@sever/event-contracts';
import { currentTraceparent } from '@sever/telemetry';

/** An event that an operator's request at the REST door causes and that is about no person. */
export const operatorEvent = <T extends EventType>(type: T, tenant: string, data: EventData<T>): SeverEvent =>
  makeEvent({
    type,
    id: newEventId(),
    source: '/api',
    tenant,
    subject: '-',
    time: new Date(),
    traceparent: currentTraceparent(),
    data,
  }) as SeverEvent;
