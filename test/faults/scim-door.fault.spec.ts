import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createConnection, directoryMigrations } from '@sever/directory';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { TOPICS } from '@sever/event-contracts';
import { PARTITIONS } from '@sever/event-log';
import { createPostgresEventLogAdmin, eventLogMigrations } from '@sever/event-log-postgres';
import { migrate, openDatabase, roleMigrations, rows } from '@sever/postgres';
import { readModelMigrations } from '@sever/read-models';
import { makeKeyFolder, subjectKeyMigrations } from '@sever/subject-keys';
import type { DataSource } from 'typeorm';
import { startIngressProcess, type IngressProcess } from '../harness/ingress-process.js';
import { startStatementProxy, type Moment, type StatementProxy } from '../harness/statement-proxy.js';

jest.setTimeout(600_000);

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
/** More statements than any write has: the test ends when a write comes through untouched. */
const STATEMENTS_MAX = 40;

type Request = { method: string; path: string; body?: unknown; prefer?: string };
/** `told` is the resource whose one completion must be there. */
type Write = { request: Request; events: Record<string, string[]>; told?: string };
/** An ingress and what stands between it and the database. */
type Door = { ingress: IngressProcess; proxy: StatementProxy };
type World = { user(active?: boolean): Promise<string>; group(): Promise<string> };

const userOf = (userName: string) => ({ schemas: [`${CORE}:User`], userName, active: true });
const patchOf = (operation: object) => ({ schemas: [`${API}:PatchOp`], Operations: [operation] });
const newName = (): string => `${randomUUID()}@door.example`;
const REGISTERED = 'sever.subject.registered.v1';
const REQUESTED = 'sever.optout.requested.v1';
const UPDATED = 'sever.subject.updated.v1';

/** Each write, and what the log must hold of everybody it concerns once the client has repeated it until it was answered. */
const WRITES: Record<string, (world: World) => Promise<Write>> = {
  'a new user': () => {
    const name = newName();
    const request = { method: 'POST', path: '/Users', body: userOf(name) };
    return Promise.resolve({ request, events: { [name]: [REGISTERED] } });
  },
  'an ordinary PATCH': async world => {
    const id = await world.user();
    const body = patchOf({ op: 'replace', path: 'title', value: 'Chief' });
    return {
      request: { method: 'PATCH', path: `/Users/${id}`, body },
      events: { [id]: [REGISTERED, UPDATED] },
    };
  },
  'active=false': async world => {
    const id = await world.user();
    const body = patchOf({ op: 'replace', path: 'active', value: false });
    return {
      request: { method: 'PATCH', path: `/Users/${id}`, body },
      events: { [id]: [REGISTERED, REQUESTED] },
    };
  },
  'a DELETE': async world => {
    const id = await world.user();
    return { request: { method: 'DELETE', path: `/Users/${id}` }, events: { [id]: [REGISTERED, REQUESTED] } };
  },
  'a DELETE that is not waited for': async world => {
    const id = await world.user();
    const request = { method: 'DELETE', path: `/Users/${id}`, prefer: 'respond-async' };
    return { request, events: { [id]: [REGISTERED, REQUESTED] }, told: `/Users/${id}` };
  },
  'members of a group': async world => {
    const [group, member] = [await world.group(), await world.user()];
    const body = patchOf({ op: 'add', path: 'members', value: [{ value: member }] });
    const changed = ['sever.group.created.v1', 'sever.group.members-changed.v1'];
    return { request: { method: 'PATCH', path: `/Groups/${group}`, body }, events: { [group]: changed } };
  },
  'a Bulk of two': async world => {
    const [name, leaver] = [newName(), await world.user()];
    const Operations = [
      { method: 'POST', path: '/Users', bulkId: 'a', data: userOf(name) },
      {
        method: 'PATCH',
        path: `/Users/${leaver}`,
        data: patchOf({ op: 'replace', path: 'active', value: false }),
      },
    ];
    const body = { schemas: [`${API}:BulkRequest`], Operations };
    const events = { [name]: [REGISTERED], [leaver]: [REGISTERED, REQUESTED] };
    return { request: { method: 'POST', path: '/Bulk', body }, events };
  },
};

describe('an ingress that is killed between two statements of a write', () => {
  let server: Awaited<ReturnType<typeof startScratchPostgres>>;
  let db: DataSource;
  let door: Door;
  /** The one that takes over starts while the other one still works: most of the time would be spent on waiting for it. */
  let next: Promise<Door>;
  let token: string;
  const folder = mkdtempSync(path.join(tmpdir(), 'sever-door-'));
  const keysDir = path.join(folder, 'keys');

  beforeAll(async () => {
    makeKeyFolder(keysDir);
    server = await startScratchPostgres();
    await migrate(server.url, [
      ...[...roleMigrations, ...eventLogMigrations, ...subjectKeyMigrations],
      ...[...directoryMigrations, ...readModelMigrations],
    ]);
    db = await openDatabase({ url: server.url, applicationName: 'door-spec', poolMax: 2 });
    await createPostgresEventLogAdmin(db).ensureTopics(
      TOPICS.map(topic => ({ topic, partitions: PARTITIONS })),
    );
    token = (await createConnection(db, { id: 'door', tenant: 'acme', dialect: 'strict' })).token;
    door = await open();
    next = open();
  });
  afterAll(async () => {
    for (const { ingress, proxy } of [door, await next]) {
      ingress.child.kill('SIGKILL');
      await proxy.close();
    }
    await db?.destroy();
    await server?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(): Promise<Door> {
    const url = new URL(server.url);
    const proxy = await startStatementProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    return { proxy, ingress: await startIngressProcess({ databaseUrl: String(url), keysDir }) };
  }

  /** @returns the answer, or undefined when the connection broke */
  async function send({
    method,
    path: where,
    body,
    prefer = 'return=representation',
  }: Request): Promise<{ status: number; json: { id?: string } } | undefined> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json', prefer };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    try {
      const answer = await fetch(`${door.ingress.origin}/scim/v2/door${where}`, init);
      const text = await answer.text();
      return { status: answer.status, json: text === '' ? {} : (JSON.parse(text) as { id?: string }) };
    } catch {
      return undefined;
    }
  }

  const made = async (request: Request): Promise<string> => {
    const answer = await send(request);
    expect(answer?.status).toBe(201);
    return String(answer?.json.id);
  };
  const world: World = {
    user: () => made({ method: 'POST', path: '/Users', body: userOf(newName()) }),
    group: () =>
      made({ method: 'POST', path: '/Groups', body: { schemas: [`${CORE}:Group`], displayName: newName() } }),
  };

  /** What the log holds of a user by id or name, or of a group. */
  async function eventsOf(who: string): Promise<string[]> {
    const found = await rows<{ type: string }>(
      db,
      `select type from log_record where key = 'acme:' || coalesce(
          (select subject::text from scim_resource where id::text = $1 or user_name_norm = $1 limit 1), $1) order by "offset"`,
      [who],
    );
    return found.map(({ type }) => type);
  }

  /** @param statement named when it fails */
  async function expectEvents({ events, told }: Write, statement: number): Promise<void> {
    const completions = await rows(db, 'select txn from scim_completion where uri = $1', [told ?? '']);
    expect({ statement, told: completions.length }).toEqual({ statement, told: told === undefined ? 0 : 1 });
    for (const [who, types] of Object.entries(events))
      expect({ statement, types: await eventsOf(who) }).toEqual({ statement, types });
  }

  /** Kills at one statement. @returns whether the write had so many */
  async function killAt(write: Write, statement: number, moment: Moment): Promise<boolean> {
    let isKilled = false;
    const { ingress, proxy } = door;
    proxy.arm(statement, moment, () => {
      isKilled = true;
      ingress.child.kill('SIGKILL');
    });
    const first = await send(write.request);
    if (isKilled) await ingress.exited;
    proxy.disarm();
    if (!isKilled) {
      expect(first?.status).toBeLessThan(300);
      return false;
    }
    // The answer may have gone out before the last statement, which only wakes readers. Then everything is in the log already.
    if (first && first.status < 300) await expectEvents(write, statement);
    else expect(first === undefined || first.status >= 500).toBe(true);
    await proxy.close();
    door = await next;
    next = open();
    const again = await send(write.request);
    // What the first one had done already: the name is taken, or nobody is there to delete.
    expect([200, 201, 202, 204, 404, 409]).toContain(again?.status);
    return true;
  }

  describe.each<Moment>(['before', 'after'])('%s a statement', moment => {
    it.each(Object.keys(WRITES))('leaves one event of %s, and no acknowledgement without it', async name => {
      const prepare = WRITES[name];
      if (!prepare) throw new Error(`there is no write ${name}`);
      let statement = 1;
      for (let isThere = true; isThere; statement += 1) {
        const write = await prepare(world);
        isThere = await killAt(write, statement, moment);
        await expectEvents(write, statement);
        if (statement > STATEMENTS_MAX) throw new Error('the write never comes through');
      }
      // At least the change and its event were killed at; else the proxy saw nothing.
      expect(statement).toBeGreaterThan(2);
    });
  });
});
