import { failpoint } from '@sever/config';
import { toRecord } from '@sever/event-log';
import type { SeverEvent } from '@sever/event-contracts';
import { changeAndAppend } from '@sever/event-log-postgres';
import { isOpenedTwice } from '@sever/directory';
import type { Statement } from '@sever/postgres';
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
  const done = await seeingOthers(() =>
    governed(context, async em => {
      const written = await write(em);
      if (written.event) await context.writer.append(em, [toRecord(written.event)]);
      return written;
    }),
  );
  failpoint('append.after-commit');
  if (done.event) wakeFor(context, done.event);
  return done.result;
}

/** Runs a transaction; the governor forgets what it had under way once it has ended. */
async function governed<T>(context: IngressContext, work: (em: EntityManager) => Promise<T>): Promise<T> {
  let write: EntityManager | undefined;
  try {
    return await context.dataSource.transaction(em => work((write = em)));
  } finally {
    if (write) context.governor.ended(write);
  }
}

/**
 * The same for a change of one row that needs no look at others, in one statement.
 * @returns the changed row, or undefined when nothing matched: then there is no event either
 */
export async function commitChange<T extends object>(
  context: IngressContext,
  change: Statement,
  event: SeverEvent,
  further: readonly Statement[] = [],
): Promise<T | undefined> {
  const changed = await changeAndAppend<T>(context.dataSource, change, [toRecord(event)], further);
  failpoint('append.after-commit');
  if (changed) wakeFor(context, event);
  return changed;
}

/** Two doors that opt the same person out at once: the second begins anew and sees the opt-out of the first. */
async function seeingOthers<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isOpenedTwice(error)) throw error;
    return write();
  }
}

/** Nobody waits for an event outside of an opt-out: readers find it at their next look. */
export function wakeFor(context: IngressContext, event: SeverEvent): void {
  if (event.optoutid !== undefined) context.writer.wake();
  if (event.type === 'sever.optout.staged.v1') context.governor.told(event);
}
