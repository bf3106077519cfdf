import { failpoint } from '@sever/config';
import { toRecord } from '@sever/event-log';
import type { SeverEvent } from '@sever/event-contracts';
import type { EntityManager } from 'typeorm';
import type { IngressContext } from '../ingress-context.js';

/**
 * Runs one accepted write: directory change and event in one transaction, the append last. Only after the commit is anything
 * answered, and the readers are woken.
 */
export async function commitWrite<T>(
  context: IngressContext,
  write: (em: EntityManager) => Promise<{ result: T; event: SeverEvent | undefined }>,
): Promise<T> {
  const done = await context.dataSource.transaction(async em => {
    const written = await write(em);
    if (written.event) await context.writer.append(em, [toRecord(written.event)]);
    return written;
  });
  failpoint('append.after-commit');
  if (done.event) context.writer.wake();
  return done.result;
}
