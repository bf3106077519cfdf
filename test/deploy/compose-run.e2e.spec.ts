import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { call, eventually, sql } from '../harness/clients.js';
import { startScimService, type ScimService } from '../harness/scim-service.js';
import { deployFolder, readEmbedded, type Service } from './compose-file.js';
import { runOnce, startService, type Places, type Running } from './composed-processes.js';

jest.setTimeout(180_000);

type Server = Awaited<ReturnType<typeof startScratchPostgres>>;
type Example = { instances: { id: string; settings: Record<string, unknown> }[] };

const PERSON = 'leaver@acme.example';

/** The services of compose.yaml as processes of this machine: commands and environment are those of the file. */
describe('the processes of deploy/compose.yaml with compose.embedded.yaml', () => {
  const { services } = readEmbedded({ SEVER_HOLD: 'none' });
  const apps = Object.entries(services).filter(([, s]) => s.environment?.APP && s.restart !== 'no');
  const running = new Map<string, Running>();
  let folder: string;
  let places: Places;
  let database: Server;
  let target: Server;
  let wiki: ScimService;

  const setup = (): Service => {
    if (!services.setup) throw new Error('there is no set-up');
    return services.setup;
  };
  const token = (): string => readFileSync(path.join(places['/run/secrets'], 'api-token'), 'utf8');
  const ingress = (): string => running.get('scim-ingress')?.url ?? '';

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-composed-'));
    const at = (name: string): string => path.join(folder, name);
    places = { '/run/secrets': at('secrets'), '/etc/sever': folder, '/var/lib/sever/keys': at('keys') };
    mkdirSync(at('wiki'));
    [database, target, wiki] = await Promise.all([
      startScratchPostgres({ fsync: 'off', max_connections: '200' }),
      startScratchPostgres({ fsync: 'off' }),
      startScimService(at('wiki')),
    ]);
    await sql(database.url, 'create database sever');
    await prepareTarget();
    writeInstances(at('instances.json'));
    const made = runOnce(
      {
        environment: { APP: 'sever', DATABASE_URL: databaseUrl() },
        command: ['secrets', '--secrets', '/run/secrets', '--instances', '/etc/sever/instances.json'],
      },
      places,
    );
    expect(made).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(path.join(at('secrets'), 'target-scim-token'), wiki.token);
    writeFileSync(path.join(at('secrets'), 'target-postgres-password'), 'connector-password\n');
  });
  afterAll(async () => {
    await Promise.all([...running.values()].map(r => r.stop()));
    await Promise.all([wiki.stop(), target.dispose(), database.dispose()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const databaseUrl = (): string => {
    const url = new URL(database.url);
    url.pathname = '/sever';
    return url.toString();
  };

  async function prepareTarget(): Promise<void> {
    await sql(target.url, `create role sever_connector superuser login password 'connector-password'`);
    await sql(target.url, 'create role leavers_heir nologin');
    await sql(target.url, `create role "${PERSON}" login password 'a-password'`);
  }

  /** The example of the repository, with the systems of this test in place of those of its companies. */
  function writeInstances(file: string): void {
    const example = JSON.parse(
      readFileSync(path.join(deployFolder, 'instances.example.json'), 'utf8').replaceAll(
        '/run/secrets',
        places['/run/secrets'],
      ),
    ) as Example;
    const { hostname, port } = new URL(target.url);
    for (const { id, settings } of example.instances)
      Object.assign(
        settings,
        id === 'scim' ? { baseUrl: wiki.baseUrl } : { host: hostname, port: Number(port), ssl: false },
      );
    writeFileSync(file, JSON.stringify(example));
  }

  it('start after the set-up, each healthy as its image checks it', async () => {
    const first = runOnce(setup(), places);
    expect(first.stderr).toBe('');
    expect(first.status).toBe(0);
    expect(first.stdout).toContain('instance postgres (postgres) for acme');
    for (const [name, service] of apps) running.set(name, await startService(name, service, places));
    expect([...running.keys()].sort()).toEqual([
      'connector-postgres',
      'connector-scim',
      'coordinator',
      'projector',
      'scim-ingress',
    ]);
  });

  it('carry an opt-out to every target until it is closed', async () => {
    const id = await wiki.addUser(PERSON);
    const made = await call('POST', `${ingress()}/v1/opt-outs`, token(), {
      tenant: 'acme',
      userName: PERSON,
      create: true,
      reason: 'asked to be removed',
    });
    expect(made.status).toBe(202);
    const closed = await eventually('the end of the opt-out', async () => {
      const { body } = await call('GET', `${ingress()}/v1/opt-outs/${String(made.body.id)}`, token());
      return body.state === 'closed' ? body : undefined;
    });
    expect(closed.connectors).toEqual([
      expect.objectContaining({ connector: 'postgres', state: 'purged' }),
      expect.objectContaining({ connector: 'scim', state: 'purged' }),
    ]);
    expect((await wiki.user(id)).status).toBe(404);
    expect(await sql(target.url, 'select 1 from pg_roles where rolname = $1', [PERSON])).toEqual([]);
  });

  it('stay as they are when the set-up runs again beside them', async () => {
    expect(runOnce(setup(), places)).toMatchObject({ status: 0, stderr: '' });
    const counts = await call('GET', `${ingress()}/v1/connectors`, token());
    expect(counts.status).toBe(200);
  });

  it('answer Prometheus, and say nothing of a secret in their logs', async () => {
    const secrets = ['api-token', 'target-scim-token', 'target-postgres-password', 'database-password'].map(
      name => readFileSync(path.join(places['/run/secrets'], name), 'utf8').trim(),
    );
    for (const [name, { url, log }] of running) {
      const metrics = await fetch(`${url}/metrics`);
      expect([name, metrics.status, (await metrics.text()).includes('process_cpu')]).toEqual([
        name,
        200,
        true,
      ]);
      for (const secret of secrets) expect([name, log().includes(secret)]).toEqual([name, false]);
    }
  });

  it('drain and end when their container is stopped', async () => {
    const ended = await Promise.all([...running].map(async ([name, r]) => [name, await r.stop()]));
    expect(ended).toEqual([...running.keys()].map(name => [name, 0]));
  });
});
