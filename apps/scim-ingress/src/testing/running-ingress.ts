import { createServer } from 'node:net';
import { once } from 'node:events';
import { appendAudit, auditMigrations } from '@sever/audit-store';
import { createConnection, directoryMigrations, addApiToken, type Connection } from '@sever/directory';
import { TOPICS, readLoggedEvent, type EncryptedField, type SeverEvent } from '@sever/event-contracts';
import { PARTITIONS, type Offsets } from '@sever/event-log';
import { createPostgresEventLogAdmin, eventLogMigrations } from '@sever/event-log-postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import type { GovernorLimits } from '@sever/opt-out';
import { projectReadModels, readModelMigrations } from '@sever/read-models';
import {
  createSubjectKeys,
  openKeyFolder,
  subjectKeyMigrations,
  type KeyEncryptionKeys,
} from '@sever/subject-keys';
import { scratchKeyFolder } from '@sever/subject-keys/testing';
import type { DataSource, Logger } from 'typeorm';
import { createIngress } from '../run-ingress.js';
import { contextOn } from './context-on.js';

export type Answer = { status: number; headers: Headers; text: string; json: Record<string, unknown> };
export type Ask = { token?: string; body?: unknown; headers?: Record<string, string> };

/** The ingress in this process, on a database and a port of its own. */
export type RunningIngress = {
  baseUrl: string;
  db: TestDatabase;
  apiToken: string;
  connect(
    id: string,
    tenant?: string,
    rateLimit?: number,
  ): Promise<{ connection: Connection; token: string }>;
  ask(method: string, path: string, o?: Ask): Promise<Answer>;
  /** A call of the REST door by the operator. */
  operate(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Statements that the ingress sends while `work` runs. */
  statementsOf(work: () => Promise<unknown>): Promise<string[]>;
  /** The personal field of an event in plain text. */
  decrypt(event: SeverEvent, path: string, field: EncryptedField): Promise<string | null>;
  /** Does the projector's work with what was logged since the last call. */
  project(): Promise<void>;
  /** Ends it and starts another one on the same database, as after an update: whatever was in memory is gone. Its address is a new one. */
  restart(): Promise<void>;
  close(): Promise<void>;
};

const API_TOKEN = 'sev_api_for-this-test-only';

/** @param governor limits of the guard against mass deprovisioning, which is off without them */
export async function startIngress(governor: GovernorLimits | null = null): Promise<RunningIngress> {
  const db = await createTestDatabase([
    ...eventLogMigrations,
    ...subjectKeyMigrations,
    ...directoryMigrations,
    ...readModelMigrations,
    ...auditMigrations,
  ]);
  const admin = createPostgresEventLogAdmin(db.owner);
  await admin.ensureTopics(TOPICS.map(topic => ({ topic, partitions: PARTITIONS })));
  let projected: Offsets = new Map();
  await addApiToken(db.owner, API_TOKEN, 'operator');
  const keys = scratchKeyFolder();
  const keyEncryption = openKeyFolder(keys.dir);
  const subjectKeys = createSubjectKeys(keyEncryption);
  const dataSource = await db.open(await db.urlAs('sever_ingress'));
  const seen: string[] = [];
  dataSource.logger = recordingLogger(seen);
  const serve = () => serveOn(dataSource, keyEncryption, governor);
  let served = await serve();
  const ask = (method: string, path: string, o: Ask = {}): Promise<Answer> =>
    send(served.baseUrl + path, method, o);
  return {
    baseUrl: served.baseUrl,
    db,
    apiToken: API_TOKEN,
    connect: (id, tenant = 'acme', rateLimit) =>
      createConnection(db.owner, {
        id,
        tenant,
        dialect: 'strict',
        ...(rateLimit !== undefined && { rateLimit }),
      }),
    ask,
    operate: (method, path, body) =>
      ask(method, `/v1/connections${path}`, { token: API_TOKEN, ...(body !== undefined && { body }) }),
    statementsOf: async work => {
      seen.length = 0;
      await work();
      return [...seen];
    },
    decrypt: async ({ tenant, subject, id: eventId }, path, field) => {
      const opened = await subjectKeys.open(db.owner, { tenant, subject, eventId, path }, field);
      return opened.shredded ? null : opened.text;
    },
    project: async () => {
      const ends = await Promise.all(TOPICS.map(topic => admin.endOffsets(topic)));
      const to = new Map(ends.flatMap(offsets => [...offsets]));
      for await (const records of admin.scan({ topics: TOPICS, from: projected, to })) {
        const placed = records.map(record => ({ ...record, event: readLoggedEvent(record.value) }));
        await db.owner.transaction(async em => {
          await projectReadModels(em, placed);
          await appendAudit(em, placed);
        });
      }
      projected = to;
    },
    restart: async () => {
      await served.stop();
      served = await serve();
    },
    close: async () => {
      await served.stop();
      await db.drop();
      keys.dispose();
    },
  };
}

async function serveOn(
  dataSource: DataSource,
  keyEncryption: KeyEncryptionKeys,
  governor: GovernorLimits | null,
): Promise<{ baseUrl: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const context = contextOn(dataSource, keyEncryption, { publicUrl: baseUrl, governor });
  const app = await createIngress(context, () => Promise.resolve());
  await app.listen(port, '127.0.0.1');
  return { baseUrl, stop: () => app.close() };
}

async function send(url: string, method: string, o: Ask): Promise<Answer> {
  const text = typeof o.body === 'string' || o.body === undefined ? o.body : JSON.stringify(o.body);
  const reply = await fetch(url, {
    method,
    headers: {
      ...(o.token !== undefined && { authorization: `Bearer ${o.token}` }),
      ...(text !== undefined && { 'content-type': 'application/json' }),
      ...o.headers,
    },
    ...(text !== undefined && { body: text }),
  });
  const answer = await reply.text();
  return {
    status: reply.status,
    headers: reply.headers,
    text: answer,
    json: (answer.startsWith('{') ? JSON.parse(answer) : {}) as Record<string, unknown>,
  };
}

function recordingLogger(into: string[]): Logger {
  const silent = (): void => undefined;
  return {
    logQuery: (query: string) => void into.push(query),
    logQueryError: silent,
    logQuerySlow: silent,
    logSchemaBuild: silent,
    logMigration: silent,
    log: silent,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
