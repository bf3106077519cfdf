import { failpoint } from '@sever/config';
import {
  EventLogError,
  partitionOf,
  type Appended,
  type EventLogWriter,
  type NewRecord,
} from '@sever/event-log';
import { rows, type Statement } from '@sever/postgres';
import type { DataSource, EntityManager } from 'typeorm';
import { changeAndAppend, changesAndAppend, type Written } from './change-and-append.js';
import { inLog, logAppendCall, logAppendParameters } from './log-append.js';

/** Channel on which readers are told that something was committed; the payload names topics, none stands for all of them. */
export const WAKE_CHANNEL = 'sever_log';

/** A writer of the log that can also change rows of the same database. */
export interface PostgresEventLogWriter extends EventLogWriter<EntityManager> {
  /** Changes and their records in a transaction of one statement, see {@link changesAndAppend}. */
  commit(changes: readonly Statement[], records: readonly NewRecord[]): Promise<readonly Appended[]>;
  /** The same, and nothing of it unless `change` matches a row, see {@link changeAndAppend}. @returns whether it did */
  commitIf(change: Statement, further: readonly Statement[], records: readonly NewRecord[]): Promise<boolean>;
}

/** Appends through the `log_append` function of the database, in the caller's transaction or in one of its own. */
export function createPostgresEventLogWriter(dataSource: DataSource): PostgresEventLogWriter {
  // Never forgotten: a wake must name the topic of every commit before it, and a producer writes one topic or two.
  const topics = new Set<string>();
  const wake = coalesced(() =>
    dataSource.query('select pg_notify($1, $2)', [WAKE_CHANNEL, [...topics].join(' ')]),
  );
  const noteTopics = (records: readonly NewRecord[]): void => {
    for (const { topic } of records) topics.add(topic);
  };
  return {
    append: (tx, records) => {
      noteTopics(records);
      return append(tx, records);
    },
    commit: async (changes, records) => {
      noteTopics(records);
      return appendedOf(records, await changesAndAppend(dataSource, changes, records));
    },
    commitIf: async (change, further, records) => {
      noteTopics(records);
      const returning = { ...change, sql: `${change.sql} returning 1 as one` };
      return (await changeAndAppend(dataSource, returning, records, further)) !== undefined;
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
  const written = await inLog(() =>
    rows<Written>(
      tx,
      `select n, "offset", duplicate from ${logAppendCall(1)} order by n`,
      logAppendParameters(records),
    ),
  );
  failpoint('append.before-commit');
  return appendedOf(records, written);
}

function appendedOf(records: readonly NewRecord[], written: readonly Written[]): readonly Appended[] {
  return records.map((r, i) => ({
    topic: r.topic,
    partition: partitionOf(r.key),
    eventId: r.eventId,
    logOffset: BigInt(written[i]?.offset ?? -1),
    duplicate: written[i]?.duplicate ?? false,
  }));
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
