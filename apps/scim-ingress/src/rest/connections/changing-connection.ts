import { lockConnection } from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import type { EntityManager } from 'typeorm';
import type { IngressContext } from '../../ingress-context.js';
import { ConnectionEvents } from '../../writes/connection-events.js';

/**
 * Changes a connection that is in use: the change and the event that tells it, or neither.
 * @param by the operator
 * @throws DirectoryError `connection.unknown`, `connection.retired`
 */
export function changingConnection<T>(
  context: IngressContext,
  id: string,
  by: string,
  change: (em: EntityManager, events: ConnectionEvents) => Promise<{ result: T; event: SeverEvent }>,
): Promise<T> {
  return context.dataSource.transaction(async em => {
    const connection = await lockConnection(em, id);
    const { result, event } = await change(em, new ConnectionEvents(connection, by));
    await context.writer.append(em, [toRecord(event)]);
    return result;
  });
}
