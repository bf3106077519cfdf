import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { boundTargets, findInstance, principalOfToken } from '@sever/directory';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { openDatabase, rows } from '@sever/postgres';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DataSource } from 'typeorm';
import { makeSecrets } from './make-secrets.js';
import { runSetup, type SetupReport } from './run-setup.js';

jest.setTimeout(60_000);

const SOON = '2999-01-01T00:00:00Z';
const wiki = {
  id: 'wiki',
  system: 'scim',
  settings: { baseUrl: 'https://wiki.acme.example/scim/v2', tokenRef: 'file:/run/secrets/target-wiki-token' },
  bindings: [
    {
      tenant: 'acme',
      waivers: ['endSessions', 'revokeCredentials'].map(step => ({
        step,
        owner: 'security',
        reason: 'SCIM has no such thing',
        expiresAt: SOON,
      })),
    },
  ],
};
const ledger = {
  id: 'ledger',
  system: 'postgres',
  settings: {
    host: 'ledger.acme.example',
    port: 5432,
    database: 'postgres',
    user: 'sever',
    passwordRef: 'env:LEDGER_PASSWORD',
    heir: 'heir',
  },
  bindings: [{ tenant: 'acme' }],
};

describe('the set-up of a database of one’s own', () => {
  let server: Awaited<ReturnType<typeof startScratchPostgres>>;
  let admin: DataSource;
  let folder: string;
  const opened: DataSource[] = [];

  beforeAll(async () => {
    server = await startScratchPostgres({ fsync: 'off' });
    admin = await open(`${server.url}`);
    // As a cloud provider would give it: no superuser, but the owner of a database who may make roles.
    await admin.query(`create role house_owner login createrole password 'owner-password'`);
    await admin.query('create database sever owner house_owner');
  });
  afterAll(async () => {
    for (const source of opened) await source.destroy();
    await server.dispose();
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-setup-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function open(url: string): Promise<DataSource> {
    const source = await openDatabase({ url, applicationName: 'spec', poolMax: 2 });
    opened.push(source);
    return source;
  }
  const ownerUrl = (role = 'house_owner', password = 'owner-password', database = 'sever'): string => {
    const url = new URL(server.url);
    [url.username, url.password, url.pathname] = [role, password, `/${database}`];
    return url.toString();
  };
  const at = (...names: string[]): string => path.join(folder, ...names);
  const secret = (name: string): string => readFileSync(at('secrets', name), 'utf8');
  const env = () => ({ DATABASE_URL: ownerUrl(), SEVER_KEYS_DIR: at('keys') });

  /** Secrets for these instances, then the set-up itself. */
  async function setUp(instances: object[], environment: NodeJS.ProcessEnv = env()): Promise<SetupReport> {
    writeFileSync(at('instances.json'), JSON.stringify({ instances }));
    const o = { instancesFile: at('instances.json') };
    await makeSecrets({ ...o, dir: at('secrets'), kafka: false }, environment);
    return runSetup({ ...o, secretsDir: at('secrets') }, environment);
  }

  it('makes schema, logins, key, token and registry as an owner who is no superuser, and nothing twice', async () => {
    const first = await setUp([wiki, ledger]);
    expect(first).toMatchObject({ tenants: ['acme'], unlisted: [], warnings: [] });
    expect(first.migrations).toBeGreaterThan(0);
    expect(first.instances.map(i => i.id)).toEqual(['wiki', 'ledger']);
    expect(readdirSync(at('keys'))).toEqual(['kek-0001.key']);

    const key = readFileSync(at('keys', 'kek-0001.key'));
    const again = await setUp([wiki, ledger]);
    expect(again).toEqual({ ...first, migrations: 0 });
    expect(readFileSync(at('keys', 'kek-0001.key'))).toEqual(key);

    const owner = await open(ownerUrl());
    expect(await rows(owner, 'select topic, count(*)::int from log_partition group by 1 order by 1')).toEqual(
      [
        { topic: 'outcomes', count: 48 },
        { topic: 'requests', count: 48 },
      ],
    );
    expect(await principalOfToken(owner, secret('api-token'))).toBe('operator');
    expect((await boundTargets(owner, 'acme')).map(t => [t.instance, t.waivers.map(w => w.step)])).toEqual([
      ['ledger', []],
      ['wiki', ['endSessions', 'revokeCredentials']],
    ]);
  });

  it('gives every process a login that works, with the rights of its group only', async () => {
    await setUp([wiki]);
    const ingress = await open(secret('ingress-database-url'));
    expect(await rows(ingress, 'select id from tenant')).toEqual([{ id: 'acme' }]);
    await expect(rows(ingress, 'create table mine ()')).rejects.toMatchObject({ code: '42501' });
    const [{ databaseUrl } = { databaseUrl: '' }] = JSON.parse(secret('connector-scim-instances')) as {
      databaseUrl: string;
    }[];
    const connector = await open(databaseUrl);
    expect(
      await rows(connector, 'select sever_instance() as me, (select count(*)::int from instance)'),
    ).toEqual([{ me: 'wiki', count: 1 }]);
    await expect(rows(connector, 'select * from api_token')).rejects.toMatchObject({ code: '42501' });
  });

  it('follows the file: settings, match, waivers; keeps what the file does not name', async () => {
    await setUp([wiki, ledger]);
    const [binding] = wiki.bindings;
    const changed = {
      ...wiki,
      settings: { ...wiki.settings, pageSize: 50 },
      bindings: [
        {
          ...binding,
          match: { by: 'externalId', scope: { org: '1' } },
          waivers: binding?.waivers.slice(0, 1),
        },
        { tenant: 'globex', match: { scope: { org: '2' } }, waivers: binding?.waivers },
      ],
    };
    const report = await setUp([changed]);
    expect(report.unlisted).toEqual(['ledger']);
    expect(report.warnings).toEqual([
      expect.stringMatching(/^wiki: revokeCredentials .*acme has no waiver.*waits for a person$/),
    ]);
    const owner = await open(ownerUrl());
    expect((await findInstance(owner, 'wiki'))?.settings).toEqual(changed.settings);
    expect(await rows(owner, `select tenant, match from binding where instance = 'wiki' order by 1`)).toEqual(
      [
        { tenant: 'acme', match: { by: 'externalId', scope: { org: '1' } } },
        { tenant: 'globex', match: { by: 'userName', scope: { org: '2' } } },
      ],
    );
    expect((await boundTargets(owner, 'acme')).find(t => t.instance === 'wiki')?.waivers).toHaveLength(1);
    await owner.query(`delete from binding_waiver where tenant = 'globex'`);
    await owner.query(`delete from binding where tenant = 'globex'`);
  });

  it('takes new passwords and a new token, and the old ones open nothing any more', async () => {
    await setUp([wiki]);
    const before = { url: secret('ingress-database-url'), token: secret('api-token') };
    rmSync(at('secrets', 'ingress-database-url'));
    rmSync(at('secrets', 'api-token'));
    await setUp([wiki]);
    await open(secret('ingress-database-url'));
    await expect(openDatabase({ url: before.url, applicationName: 'spec' })).rejects.toMatchObject({
      code: '28P01',
    });
    const owner = await open(ownerUrl());
    expect(await principalOfToken(owner, before.token)).toBeUndefined();
    expect(await principalOfToken(owner, secret('api-token'))).toBe('operator');
  });

  it('refuses an instance that became another system', async () => {
    await setUp([wiki]);
    await expect(setUp([{ ...ledger, id: 'wiki' }])).rejects.toMatchObject({
      code: 'instances.system-changed',
    });
  });

  it('refuses an instance that two tenants would share without a scope', async () => {
    const shared = { ...wiki, id: 'shared', bindings: [{ tenant: 'acme' }, { tenant: 'globex' }] };
    await expect(setUp([shared])).rejects.toMatchObject({ code: 'binding.scope-required' });
    const owner = await open(ownerUrl());
    expect(await findInstance(owner, 'shared')).toBeUndefined();
  });

  it('says which database does not answer, and what the owner lacks', async () => {
    const gone = { ...env(), DATABASE_URL: 'postgres://a:b@127.0.0.1:1/sever' };
    await expect(setUp([wiki], gone)).rejects.toMatchObject({ code: 'database.unreachable', exit: 3 });
    const wrong = { ...env(), DATABASE_URL: ownerUrl('house_owner', 'wrong') };
    await expect(setUp([wiki], wrong)).rejects.toMatchObject({ code: 'database.refused' });
    await admin.query(`create role poor_owner login password 'poor'`);
    await admin.query('create database poor owner poor_owner');
    const poor = { ...env(), DATABASE_URL: ownerUrl('poor_owner', 'poor', 'poor') };
    await expect(setUp([wiki], poor)).rejects.toMatchObject({
      code: 'database.refused',
      message: expect.stringContaining('CREATEROLE'),
    });
  });

  it('names every secret that is missing or wrong before it touches the database, and none of their values', async () => {
    await makeSecrets({ dir: at('secrets'), kafka: false }, env());
    rmSync(at('secrets', 'coordinator-database-url'));
    writeFileSync(at('secrets', 'api-token'), 'short-s3cret');
    writeFileSync(
      at('secrets', 'connector-scim-instances'),
      JSON.stringify([{ id: 'wiki', databaseUrl: 'postgres://someone:s3cret@h/d' }]),
    );
    const error: unknown = await runSetup({ secretsDir: at('secrets') }, env()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'setup.secrets', exit: 2 });
    const lines = String((error as Error).message)
      .split('\n')
      .slice(1);
    expect(lines.map(l => path.basename(l.trim().split(': ')[0] ?? ''))).toEqual([
      'coordinator-database-url',
      'connector-scim-instances',
      'api-token',
    ]);
    expect(lines.join()).toContain('must log in as sever_connector_wiki');
    expect(lines.join()).not.toContain('s3cret');
  });

  it('says whose login is missing', async () => {
    writeFileSync(at('instances.json'), JSON.stringify({ instances: [wiki] }));
    await makeSecrets({ dir: at('secrets'), kafka: false }, env());
    await expect(
      runSetup({ secretsDir: at('secrets'), instancesFile: at('instances.json') }, env()),
    ).rejects.toMatchObject({ code: 'setup.login-missing', message: expect.stringContaining('wiki') });
  });

  it('keeps secrets in a folder that only its owner enters', async () => {
    await makeSecrets({ dir: at('secrets'), kafka: true }, env());
    expect(statSync(at('secrets')).mode & 0o777).toBe(0o700);
    const modes = readdirSync(at('secrets')).map(name => statSync(at('secrets', name)).mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o644]));
  });
});
