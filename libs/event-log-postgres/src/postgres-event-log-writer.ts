import { failpoint } from '@sever/config';
import {
  EventLogError,
  partitionOf,
  type Appended,
  type EventLogWriter,
  type NewRecord,
} from '@sever/event-log';
import { databaseErrorCode, rows } from '@sever/postgres';
import type { DataSource, EntityManager } from 'typeorm';

/** Channel on which readers are told that something was committed; the payload names topics, none stands for all of them. */
export const WAKE_CHANNEL = 'sever_log';

const ERRORS = { SV001: 'log.forbidden', SV002: 'log.unknown-topic', SV003: 'log.event-conflict' } as const;

/** Appends through the `log_append` function of the database, in the caller's transaction. */
export function createPostgresEventLogWriter(dataSource: DataSource): EventLogWriter<EntityManager> {
  // Never forgotten: a wake must name the topic of every commit before it, and a producer writes one topic or two.
  const topics = new Set<string>();
  const wake = coalesced(() =>
    dataSource.query('select pg_notify($1, $2)', [WAKE_CHANNEL, [...topics].join(' ')]),
  );
  return {
    append: (tx, records) => {
      for (const { topic } of records) topics.add(topic);
      return append(tx, records);
    },
    wake,
  };
}

async function append(tx: EntityManager, records: readonly NewRecord[]): Promise<readonly Appended[]> {
  if (!tx.queryRunner?.isTransactionActive)
    throw new EventLogError(
      'log.no-transaction',
      'append() needs a running transaction: the log is written together with what it tells',
    );
  if (records.length === 0) return [];
  const partitions = records.map(r => partitionOf(r.key));
  const written = await logAppend(tx, records, partitions);
  failpoint('append.before-commit');
  return records.map((r, i) => ({
    topic: r.topic,
    partition: partitions[i] ?? 0,
    eventId: r.eventId,
    logOffset: BigInt(written[i]?.offset ?? -1),
    duplicate: written[i]?.duplicate ?? false,
  }));
}

/**
 * A change of one row and the event that tells it, as one statement: a transaction of its own without the round trips of one. The
 * append comes after the change, and only when there was one.
 * @param change a data-modifying statement with RETURNING
 * @returns the changed row, or undefined when nothing matched: then nothing was appended
 */
export async function changeAndAppend<T extends object>(
  dataSource: DataSource,
  change: { sql: string; parameters: readonly unknown[] },
  record: NewRecord,
): Promise<T | undefined> {
  const first = change.parameters.length + 1;
  const append = Array.from({ length: APPEND_PARAMETERS }, (_, i) => `$${first + i}`).join(', ');
  const found = await inLog(() =>
    rows<T>(
      dataSource,
      `with changed as (${change.sql}) select changed.* from changed cross join lateral log_append(${append}) appended`,
      [...change.parameters, ...appendParameters([record], [partitionOf(record.key)])],
    ),
  );
  return found[0];
}

const APPEND_PARAMETERS = 7;

function appendParameters(records: readonly NewRecord[], partitions: readonly number[]): unknown[] {
  return [
    records.map(r => r.topic),
    partitions,
    records.map(r => r.eventId),
    records.map(r => r.key),
    records.map(r => r.type),
    records.map(r => JSON.stringify(r.headers)),
    records.map(r => r.value),
  ];
}

function logAppend(
  tx: EntityManager,
  records: readonly NewRecord[],
  partitions: readonly number[],
): Promise<{ offset: string; duplicate: boolean }[]> {
  return inLog(() =>
    rows(
      tx,
      'select n, "offset", duplicate from log_append($1, $2, $3, $4, $5, $6, $7) order by n',
      appendParameters(records, partitions),
    ),
  );
}

/** Errors that the append raises, by their code. */
async function inLog<T>(statement: () => Promise<T>): Promise<T> {
  try {
    return await statement();
  } catch (error) {
    const code = databaseErrorCode(error);
    if (code && code in ERRORS) {
      const message = error instanceof Error ? error.message : String(error);
      throw new EventLogError(ERRORS[code as keyof typeof ERRORS], message, { cause: error });
    }
    throw error;
  }
}

/** At most one notification under way; calls made meanwhile are answered by one more. A lost hint costs one poll interval. */
function coalesced(send: () => Promise<unknown>): () => void {
  let running = false;
  let again = false;
  const run = (): void => {
    running = true;
    send()
      .catch(() => undefined)
      .finally(() => {
        running = false;
        if (again) {
          again = false;
          run();
        }
      });
  };
  return () => {
    if (running) again = true;
    else run();
  };
}
