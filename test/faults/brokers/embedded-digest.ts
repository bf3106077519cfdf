import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { auditMigrations } from '@sever/audit-store';
import { PARTITIONS } from '@sever/event-log';
import { createPostgresEventLogAdmin, eventLogMigrations } from '@sever/event-log-postgres';
import { freePort } from '@sever/embedded-postgres';
import { openDatabase } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { readModelMigrations, stateDigest } from '@sever/read-models';
import { eventually, sql } from '../../harness/clients.js';
import type { Pipeline } from '../../harness/pipeline.js';

const root = path.resolve(import.meta.dirname, '../../..');
const TOPICS = ['requests', 'outcomes'];
const COLUMNS = 'topic, partition, "offset", event_id, key, type, headers, value, ts';
const PAGE = 1_000;

/** The digest of what the pipeline itself has in its read models. */
export async function liveDigest(pipeline: Pipeline): Promise<string> {
  const live = await openDatabase({
    ...{ url: pipeline.ready.databaseUrl, applicationName: 'test', poolMax: 1 },
  });
  try {
    return await stateDigest(live);
  } finally {
    await live.destroy();
  }
}

/**
 * The digest that the embedded profile gives for what a pipeline logged: its projector reads a copy of the log from PostgreSQL, in
 * a database that has nothing else. Two pipelines of their own would not do, since ids and times differ.
 */
export async function embeddedDigest(pipeline: Pipeline): Promise<string> {
  const db = await createTestDatabase([...eventLogMigrations, ...readModelMigrations, ...auditMigrations]);
  try {
    await createPostgresEventLogAdmin(db.owner).ensureTopics(
      TOPICS.map(topic => ({ topic, partitions: PARTITIONS })),
    );
    await copyLog(pipeline, db);
    await project(db);
    return await stateDigest(db.owner);
  } finally {
    await db.drop();
  }
}

async function copyLog(pipeline: Pipeline, db: TestDatabase): Promise<void> {
  for (const topic of TOPICS) {
    for (let from = 0; ; from += PAGE) {
      const page = await sql(
        pipeline.ready.databaseUrl,
        `select ${COLUMNS} from log_${topic} order by partition, "offset" limit ${PAGE} offset ${from}`,
      );
      if (page.length === 0) break;
      const slots = page.map(
        (_, row) => `(${Array.from({ length: 9 }, (_x, i) => `$${row * 9 + i + 1}`).join()})`,
      );
      await db.owner.query(
        `insert into log_${topic} (${COLUMNS}) values ${slots.join()}`,
        page.flatMap(r => [
          r.topic,
          r.partition,
          r.offset,
          r.event_id,
          r.key,
          r.type,
          r.headers,
          r.value,
          r.ts,
        ]),
      );
    }
    await db.owner.query(
      `update log_partition p set next_offset = coalesce((select max("offset") + 1 from log_${topic} r where r.partition = p.partition), 0)
        where topic = $1`,
      [topic],
    );
  }
}

/** Runs the built projector until it is at the end. */
async function project(db: TestDatabase): Promise<void> {
  const child = spawn(
    path.join(root, 'node_modules/node/bin/node'),
    [path.join(root, 'apps/projector/dist/main.js')],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: {
        PATH: process.env.PATH,
        SEVER_PROFILE: 'embedded',
        DATABASE_URL: await db.urlAs('sever_projector'),
        SEVER_HTTP_PORT: String(await freePort()),
        SEVER_PARENT_FD: '3',
        SEVER_LOG_LEVEL: 'warn',
      },
    },
  );
  const exited = once(child, 'exit');
  try {
    await eventually(
      'the end of the copied log',
      async () => {
        const behind = await db.owner.query(
          `select 1 from log_partition p left join consumer_offset o
              on o.consumer = 'projector' and o.topic = p.topic and o.partition = p.partition
            where p.next_offset > coalesce(o.next_offset, 0)`,
        );
        return (behind as unknown[]).length === 0;
      },
      120_000,
      250,
    );
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}
