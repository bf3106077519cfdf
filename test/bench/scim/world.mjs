import { fork, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, directoryMigrations } from '@sever/directory';
import { freePort } from '@sever/embedded-postgres';
import { TOPICS } from '@sever/event-contracts';
import { PARTITIONS } from '@sever/event-log';
import { createPostgresEventLogAdmin, eventLogMigrations } from '@sever/event-log-postgres';
import { migrate, openDatabase, roleMigrations } from '@sever/postgres';
import { readModelMigrations } from '@sever/read-models';
import { makeKeyFolder, subjectKeyMigrations } from '@sever/subject-keys';
import { opened, scratchPostgres } from '../resources.mjs';
import { hammer } from './hammer.mjs';

/** Connections to the database that a server has, and clients that ask it at once. */
export const POOL = 16;
export const CLIENTS = 16;
const MAIN = new URL('../../../apps/scim-ingress/dist/main.js', import.meta.url).pathname;
const PEER = new URL('./peer.mjs', import.meta.url).pathname;

/** The ingress alone, started as in a container, on a new PostgreSQL: what it does is measured, not what its writes cause elsewhere. */
export async function inScimWorld(progress, run) {
  progress('PostgreSQL and the ingress start');
  const server = await scratchPostgres();
  await migrate(server.url, [
    ...roleMigrations,
    ...eventLogMigrations,
    ...subjectKeyMigrations,
    ...directoryMigrations,
    ...readModelMigrations,
  ]);
  const db = await openDatabase({ url: server.url, applicationName: 'bench', poolMax: 4 });
  const closeDatabase = opened(() => db.destroy());
  const folder = mkdtempSync(path.join(tmpdir(), 'sever-bench-keys-'));
  const removeFolder = opened(async () => rmSync(folder, { recursive: true, force: true }));
  const keys = path.join(folder, 'keys');
  makeKeyFolder(keys);
  await createPostgresEventLogAdmin(db).ensureTopics(
    TOPICS.map(topic => ({ topic, partitions: PARTITIONS })),
  );
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      DATABASE_URL: server.url,
      SEVER_HTTP_PORT: String(port),
      SEVER_PUBLIC_URL: `http://127.0.0.1:${port}`,
      SEVER_KEYS_DIR: keys,
      SEVER_RATE_LIMIT: 'off',
      SEVER_GOVERNOR: 'off',
      SEVER_DATABASE_POOL: String(POOL),
      SEVER_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const stop = stopped(child);
  await answers(`http://127.0.0.1:${port}/healthz`, child);
  try {
    return await run({ db, url: server.url, port, pid: child.pid, progress });
  } finally {
    await stop();
    await closeDatabase();
    await removeFolder();
    await server.dispose();
  }
}

/** A fresh connection of a tenant of its own. */
export async function newConnection({ db }, id) {
  const { token } = await createConnection(db, { id, tenant: id, dialect: 'strict' });
  return { id, token, path: `/scim/v2/${id}` };
}

/**
 * Users of a connection as POSTs would have made them, in one statement: `uN@x.example`, active.
 * @returns their ids, in the order of their numbers
 */
export async function seedUsers({ db }, { id }, count, from = 0) {
  await db.query(
    `with new as (
       select n, gen_random_uuid() as subject, 'u' || n || '@x.example' as name from generate_series($2::int, $2::int + $3::int - 1) n
     ), people as (insert into subject (id, tenant, user_name_norm) select subject, $1, name from new)
     insert into scim_resource (connection, id, tenant, subject, attributes, user_name_norm, external_id, active)
     select $1, gen_random_uuid(), $1, subject, jsonb_build_object('userName', name, 'externalId', 'e' || n, 'active', true,
              'displayName', 'Person ' || n, 'name', jsonb_build_object('givenName', 'Person', 'familyName', n::text),
              'emails', jsonb_build_array(jsonb_build_object('value', name, 'type', 'work', 'primary', true))), name, 'e' || n, true from new`,
    [id, from, count],
  );
  await settle({ db });
  const rows = await db.query(
    `select id from scim_resource where connection = $1 order by substring(user_name_norm from 2 for position('@' in user_name_norm) - 2)::int offset $2`,
    [id, from],
  );
  return rows.map(row => row.id);
}

/** As the database does by itself within a minute: until then it plans for tables that it takes for small. */
export const settle = ({ db }) =>
  db.query(
    'vacuum analyze scim_resource, subject, subject_key, scim_group, scim_group_member, log_requests, log_partition',
  );

/** The server to compare with, with as many users, on the same PostgreSQL. */
export async function startPeer({ db, url }, users) {
  await db.query('create table peer_user (id text primary key, document jsonb not null)');
  await db.query(
    `insert into peer_user select u.id, jsonb_build_object('schemas', jsonb_build_array('urn:ietf:params:scim:schemas:core:2.0:User'),
        'id', u.id, 'meta', jsonb_build_object('resourceType', 'User')) || attributes
       from unnest($1::text[]) as u(id) join scim_resource r on r.id::text = u.id`,
    [users],
  );
  const token = randomUUID();
  const port = await freePort();
  const child = fork(PEER, {
    env: {
      ...process.env,
      ...{ NODE_ENV: 'production', PEER_DATABASE_URL: url, PEER_PORT: String(port) },
      ...{ PEER_TOKEN: token, PEER_POOL: String(POOL) },
    },
  });
  const stop = stopped(child);
  await answers(`http://127.0.0.1:${port}/scim/v2/ServiceProviderConfig`, child, token);
  return { port, token, path: '/scim/v2', stop };
}

export async function hammers(port, token, count = CLIENTS) {
  return Promise.all(Array.from({ length: count }, () => hammer(port, token)));
}

function stopped(child) {
  const ended = once(child, 'exit');
  return opened(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
  });
}

async function answers(url, child, token = '') {
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error('a server ended while it started');
    const reply = await fetch(url, { headers: { authorization: `Bearer ${token}` } }).catch(() => undefined);
    if (reply?.ok) return;
    await sleep(100);
  }
  throw new Error(`${url} does not answer`);
}
