import { appendAudit } from '@sever/audit-store';
import { failpoint } from '@sever/config';
import { readLoggedEvent } from '@sever/event-contracts';
import type { LoggedValue } from '@sever/event-log-postgres';
import type { EntityManager } from 'typeorm';
import { projectReadModels } from '@sever/read-models';

/** Applies a batch of records to the read models and the audit stream, in the caller's transaction. */
export async function projectBatch(on: EntityManager, records: readonly LoggedValue[]): Promise<void> {
  const placed = records.map(({ topic, partition, logOffset, value }) => ({
    topic,
    partition,
    logOffset,
    value,
    event: readLoggedEvent(value),
  }));
  await projectReadModels(on, placed);
  failpoint('projector.mid-batch');
  await appendAudit(on, placed);
  failpoint('projector.before-commit');
}
