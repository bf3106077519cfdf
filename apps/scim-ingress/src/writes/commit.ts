import { failpoint } from '@sever/config';
import { toRecord } from '@sever/event-log';
import type { SeverEvent } from '@sever/event-contracts';
import { changeAndAppend } from '@sever/event-log-postgres';
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
  if (done.event) wakeFor(context, done.event);
  return done.result;
}

/**
 * The same for a change of one row that needs no look at others, in one statement.
 * @returns the changed row, or undefined when nothing matched: then there is no event either
 */
export async function commitChange<T extends object>(
  context: IngressContext,
  change: { sql: string; parameters: readonly unknown[] },
  event: SeverEvent,
): Promise<T | undefined> {
  const changed = await changeAndAppend<T>(context.dataSource, change, toRecord(event));
  failpoint('append.after-commit');
  if (changed) wakeFor(context, event);
  return changed;
}

/** Nobody waits for an event outside of an opt-out: readers find it at their next look. */
function wakeFor(context: IngressContext, event: SeverEvent): void {
  if (event.optoutid !== undefined) context.writer.wake();
}
