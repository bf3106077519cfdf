import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Connector, Ctx, Snapshot, Step, Target } from '@sever/connector-sdk';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { Client } from 'pg';
import { postgres } from './connector.js';

const PASSWORD = 'a-password-of-the-target';
const HEIR = 'the_heir';

const ctx: Ctx = {
  tenant: 'acme',
  signal: AbortSignal.timeout(120_000),
  idempotencyKey: 'spec',
  permit: () => Promise.resolve(),
  traceparent: undefined,
  match: { by: 'userName' },
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

describe('roles of a real server', () => {
  let server: Awaited<ReturnType<typeof startScratchPostgres>>;
  let connector: Connector;
  let names = 0;

  const connect = (secret = server.password, user = 'sever_owner', database = 'postgres'): Connector =>
    postgres.connect({
      id: 'postgres',
      settings: postgres.parseSettings({
        host: '127.0.0.1',
        port: server.port,
        database,
        user,
        passwordRef: 'env:UNUSED',
        heir: HEIR,
        protectedRoles: ['untouchable'],
      }),
      secret: () => Promise.resolve(secret),
    });

  beforeAll(async () => {
    server = await startScratchPostgres({ fsync: 'off' });
    await run(`create role ${HEIR} nologin`);
    await run('create role readers nologin');
    await run('create role untouchable login');
    await run('create database second');
    connector = connect();
  });
  afterAll(async () => {
    await connector.close();
    await server.dispose();
  });

  async function run(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: server.url.replace(/\/postgres$/, `/${database}`) });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** A role with everything worth cutting. */
  async function person(name = `Person "${(names += 1)}" ü`): Promise<{ name: string; target: Target }> {
    await run(`create role ${quoted(name)} login password '${PASSWORD}' in role readers`);
    for (const database of ['postgres', 'second']) {
      await run(`create table if not exists granted_${names} (a int, b int)`, database);
      await run(`grant select, update (b) on granted_${names} to ${quoted(name)}`, database);
      await run(`create table owned_${names} (note text)`, database);
      await run(`alter table owned_${names} owner to ${quoted(name)}`, database);
    }
    const found = await connector.locate({ tenant: 'acme', subject: 's', userName: name.toUpperCase() }, ctx);
    if (found.kind !== 'Located') throw new Error(`not located: ${found.kind}`);
    return { name, target: found.target };
  }

  const login = (name: string): Client => {
    const url = new URL(server.url);
    url.username = encodeURIComponent(name);
    url.password = PASSWORD;
    const client = new Client({ connectionString: url.toString() });
    client.on('error', () => undefined);
    return client;
  };

  /** Kind of what an action or a proof answers. */
  const act = async (step: Step, target: Target): Promise<string | undefined> =>
    (await connector[step]?.(target, ctx))?.kind;
  const proof = async (step: Step, target: Target): Promise<string> =>
    (await connector.verify(step, target, ctx)).kind;

  async function snapshot(step: Step, target: Target): Promise<Snapshot> {
    const taken = await connector.snapshot?.(step, target, ctx);
    if (taken?.kind !== 'Snapshot') throw new Error(`no snapshot of ${step}`);
    return taken.snapshot;
  }

  it('are locked while the open session lives on, until sessions are ended as well', async () => {
    const { name, target } = await person();
    const session = login(name);
    const ended = new Promise<void>(resolve => session.once('end', () => resolve()));
    await session.connect();
    expect(await Promise.all([proof('suspend', target), proof('endSessions', target)])).toEqual([
      'StillPresent',
      'StillPresent',
    ]);
    expect(await act('suspend', target)).toBe('Done');
    expect(await proof('suspend', target)).toBe('Verified');
    await expect(login(name).connect()).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(await proof('endSessions', target)).toBe('StillPresent');
    expect(await act('endSessions', target)).toBe('Done');
    await ended;
    expect(await proof('endSessions', target)).toBe('Verified');
    expect(await proof('revokeCredentials', target)).toBe('Verified');
    for (const step of ['suspend', 'endSessions', 'revokeCredentials'] as const)
      expect(await act(step, target)).toBe('AlreadyDone');
  });

  it('lose every grant in every database, and get back exactly what they had', async () => {
    const { name, target } = await person();
    const access = await snapshot('suspend', target);
    const grants = await snapshot('stripEntitlements', target);
    expect(grants.entries).toHaveLength(5);
    await act('suspend', target);
    expect(await act('stripEntitlements', target)).toBe('Done');
    expect(await proof('stripEntitlements', target)).toBe('Verified');
    expect(await act('stripEntitlements', target)).toBe('AlreadyDone');
    await connector.restore?.('stripEntitlements', grants, target, ctx);
    await connector.restore?.('suspend', access, target, ctx);
    expect([await snapshot('stripEntitlements', target), await snapshot('suspend', target)]).toEqual([
      grants,
      access,
    ]);
    const back = login(name);
    await back.connect();
    await back.end();
  });

  it('are deleted without what they owned', async () => {
    const { target } = await person();
    await act('suspend', target);
    expect(await proof('delete', target)).toBe('StillPresent');
    expect(await act('delete', target)).toBe('Done');
    expect(await proof('delete', target)).toBe('Verified');
    expect(await act('delete', target)).toBe('NotFound');
    for (const database of ['postgres', 'second'])
      expect(
        await run(`select tableowner from pg_tables where tablename = 'owned_${names}'`, database),
      ).toEqual([{ tableowner: HEIR }]);
  });

  it('are found by name without case, acted on by oid, and never by a name that another role took over', async () => {
    const { name, target } = await person();
    await run(`alter role ${quoted(name)} rename to renamed_${names}`);
    await run(`create role ${quoted(name)} login password '${PASSWORD}'`);
    expect((await connector.suspend?.(target, ctx))?.kind).toBe('Done');
    expect(await run(`select rolcanlogin from pg_roles where rolname = 'renamed_${names}'`)).toEqual([
      { rolcanlogin: false },
    ]);
    expect(await run(`select rolcanlogin from pg_roles where rolname = '${name}'`)).toEqual([
      { rolcanlogin: true },
    ]);
  });

  it.each([
    ['the superuser', 'sever_owner', 'role.superuser'],
    ['the heir', HEIR, 'role.heir'],
    ['a protected role', 'untouchable', 'settings.protected'],
    ['a predefined role', 'pg_monitor', 'role.predefined'],
  ])('refuse %s', async (_name, userName, rule) => {
    const found = await connector.locate({ tenant: 'acme', subject: 's', userName }, ctx);
    expect(found).toMatchObject({ kind: 'Located', target: { protectedBy: rule } });
    if (found.kind === 'Located')
      expect(await connector.suspend?.(found.target, ctx)).toMatchObject({ kind: 'Protected' });
  });

  it('are absent only when the server says so', async () => {
    const ref = { tenant: 'acme', subject: 's', userName: 'nobody' };
    expect(await connector.locate(ref, ctx)).toMatchObject({ kind: 'NotFound', confirmed: true });
    expect((await connector.locate({ ...ref, userName: 'x'.repeat(64) }, ctx)).kind).toBe('NotFound');
    const refused = connect('wrong password');
    expect((await refused.locate(ref, ctx)).kind).toBe('AuthFailed');
    await refused.close();
    const lost = connect(server.password, 'sever_owner', 'no_such_database');
    expect((await lost.verify('delete', { id: '1', matchedBy: 'userName' }, ctx)).kind).toBe('AuthFailed');
    await lost.close();
  });

  it('tell a role without the right what to grant', async () => {
    const { target } = await person();
    await run(`create role weak login createrole password 'weak'`);
    const weak = connect('weak', 'weak');
    expect(await weak.suspend?.(target, ctx)).toMatchObject({
      kind: 'AuthFailed',
      code: 'rights.missing',
      help: expect.stringContaining('ADMIN OPTION'),
    });
    await weak.close();
  });
});
