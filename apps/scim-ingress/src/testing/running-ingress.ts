import { createConnection, directoryMigrations } from '@sever/directory';
import { readLoggedEvent, type SeverEvent } from '@sever/event-contracts';
import { PARTITIONS } from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { DIALECT_NAMES, type DialectName } from '@sever/scim';
import { createSubjectKeys, openKeyFolder, subjectKeyMigrations } from '@sever/subject-keys';
import { scratchKeyFolder } from '@sever/subject-keys/testing';
import { createLogger } from '@sever/telemetry';
import { Registry } from 'prom-client';
import { IngressContext } from '../ingress-context.js';
import { createIngress } from '../run-ingress.js';

export type Answer = { status: number; headers: Headers; text: string; body: Record<string, unknown> };
export type Send = (
  dialect: DialectName,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** The ingress over HTTP on a database of its own, with one connection for each dialect, which is named like it. */
export type RunningIngress = {
  db: TestDatabase;
  send: Send;
  base: (dialect: DialectName) => string;
  /** The events about a subject or a group, in order. */
  eventsOf: (subject: string) => Promise<SeverEvent[]>;
  stop: () => Promise<void>;
};

export async function startIngress(): Promise<RunningIngress> {
  const db = await createTestDatabase([
    ...eventLogMigrations,
    ...subjectKeyMigrations,
    ...directoryMigrations,
  ]);
  const keys = scratchKeyFolder();
  await createPostgresEventLogAdmin(db.owner).ensureTopics([{ topic: 'requests', partitions: PARTITIONS }]);
  const tokens = new Map<string, string>();
  for (const dialect of DIALECT_NAMES)
    tokens.set(
      dialect,
      (await createConnection(db.owner, { id: dialect, tenant: 'acme', dialect, rateLimit: null })).token,
    );
  const dataSource = await db.open(await db.urlAs('sever_ingress'), { poolMax: 8 });
  const publicUrl = 'http://sever.example';
  const context = new IngressContext(
    dataSource,
    createPostgresEventLogWriter(dataSource),
    createSubjectKeys(openKeyFolder(keys.dir)),
    {
      hold: { kind: 'never', seconds: 0, ignoreResidualAccess: true },
      cutDeadlineSeconds: 60,
      rateLimit: null,
      publicUrl,
    },
    new Registry(),
    createLogger('test', 'silent'),
  );
  const app = await createIngress(context, () => Promise.resolve());
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();

  const send: Send = async (dialect, method, path, body, headers = {}) => {
    const reply = await fetch(`${url}/scim/v2/${dialect}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${tokens.get(dialect)}`,
        ...(body !== undefined && { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    const parsed = text ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: reply.status, headers: reply.headers, text, body: parsed };
  };
  return {
    db,
    send,
    base: dialect => `${publicUrl}/scim/v2/${dialect}`,
    eventsOf: async subject =>
      (
        await rows<{ value: Buffer }>(
          db.owner,
          `select value from log_record where key = $1 order by "offset"`,
          [`acme:${subject}`],
        )
      ).map(({ value }) => readLoggedEvent(value)),
    stop: async () => {
      await app.close();
      await db.drop();
      keys.dispose();
    },
  };
}
