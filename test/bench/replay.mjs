import { auditMigrations } from '@sever/audit-store';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { PARTITIONS, toRecord } from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { migrate, openDatabase, roleMigrations } from '@sever/postgres';
import { projectBatch } from '@sever/projection';
import { READ_MODEL_TABLES, readModelMigrations } from '@sever/read-models';
import { lifeOf } from './events.mjs';

const PEOPLE = 2_000;
const TOPICS = ['requests', 'outcomes'];

/** Replay (state, audit, in one transaction per batch) against the raw reader and against one event per transaction. */
export async function replay(progress) {
  const server = await startScratchPostgres({ max_wal_size: '4GB' });
  try {
    await migrate(server.url, [
      ...roleMigrations,
      ...eventLogMigrations,
      ...readModelMigrations,
      ...auditMigrations,
    ]);
    const db = await openDatabase({ url: server.url, applicationName: 'bench', poolMax: 4 });
    const admin = createPostgresEventLogAdmin(db);
    await admin.ensureTopics(TOPICS.map(topic => ({ topic, partitions: PARTITIONS })));
    const writer = createPostgresEventLogWriter(db);
    for (let i = 0; i < PEOPLE; i += 50) {
      const records = Array.from({ length: 50 }, (_, k) => lifeOf(i + k))
        .flat()
        .map(toRecord);
      await db.transaction(em => writer.append(em, records));
      progress(`${i + 50} of ${PEOPLE} opt-outs written`);
    }
    const to = new Map(
      (await Promise.all(TOPICS.map(topic => admin.endOffsets(topic)))).flatMap(m => [...m]),
    );
    const batches = async function* () {
      // Batches over several partitions, as the projector sees them.
      let waiting = [];
      for await (const records of admin.scan({ topics: TOPICS, to, batchRecords: 2_000 })) {
        waiting.push(...records);
        if (waiting.length >= 2_000) {
          yield waiting;
          waiting = [];
        }
      }
      if (waiting.length > 0) yield waiting;
    };
    const timed = async work => {
      const began = performance.now();
      const n = await work();
      return n / ((performance.now() - began) / 1_000);
    };
    const reset = async () => {
      await db.query('alter table audit_event disable trigger all');
      for (const table of [...READ_MODEL_TABLES, 'audit_event']) await db.query(`truncate ${table}`);
      await db.query('alter table audit_event enable trigger all');
    };
    const read = async () => {
      let n = 0;
      for await (const records of batches()) n += records.length;
      return n;
    };
    await read();
    const raw = await timed(read);
    progress('raw reader done');
    const replayed = await timed(async () => {
      let n = 0;
      for await (const records of batches()) {
        await db.transaction(em => projectBatch(em, records));
        n += records.length;
      }
      return n;
    });
    progress('replay done');
    await reset();
    const singles = await timed(async () => {
      let n = 0;
      for await (const records of batches()) {
        for (const record of records.slice(0, 1_000)) {
          await db.transaction(em => projectBatch(em, [record]));
          n += 1;
        }
        return n;
      }
      return n;
    });
    await db.destroy();
    return {
      name: 'replay',
      unit: 'events/s',
      rows: [
        { what: 'raw log reader', value: raw },
        {
          what: 'replay: state and audit, 2,000 per transaction',
          value: replayed,
          ratio: replayed / raw,
          against: 'raw log reader',
        },
        { what: 'one event per transaction', value: singles },
        {
          what: 'replay against one event per transaction',
          value: replayed,
          ratio: replayed / singles,
          against: 'one event per transaction',
        },
      ],
    };
  } finally {
    await server.dispose();
  }
}
