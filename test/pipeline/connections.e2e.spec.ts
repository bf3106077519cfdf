import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { call, eventually, sql } from '../harness/clients.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(180_000);

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
type Made = {
  id: string;
  baseUrl: string;
  token: string;
  oauth: { clientId: string; clientSecret: string; tokenEndpoint: string };
};

describe('connections on the command line', () => {
  let pipeline: Pipeline;
  const secrets: string[] = [];
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', 'never', '--rate-limit', 'off']);
  });
  afterAll(() => pipeline?.dispose());

  const run = async <T>(...args: string[]): Promise<T> => {
    const { status, stdout, stderr } = await sever(pipeline, ['connection', ...args, '--json']);
    if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };
  const create = async (id: string, ...more: string[]): Promise<Made> => {
    const made = await run<Made>('create', '--tenant', 'acme', '--dialect', 'strict', '--id', id, ...more);
    for (const secret of [made.token, made.oauth?.clientSecret]) if (secret) secrets.push(secret);
    return made;
  };
  const register = async (made: Made, userName: string): Promise<void> => {
    const body = { schemas: [USER], userName, active: true };
    expect((await call('POST', `${made.baseUrl}/Users`, made.token, body)).status).toBe(201);
  };
  const optOuts = async (userName: string): Promise<{ id: string }[]> => {
    const { api } = pipeline.ready;
    const query = `tenant=acme&userName=${encodeURIComponent(userName)}`;
    const { body } = await call('GET', `${api.baseUrl}/v1/opt-outs?${query}`, api.token);
    return body.items as { id: string }[];
  };

  it('makes, lists and rotates them', async () => {
    const made = await create('idp', '--expires', '90d');
    const rotated = await run<{ token: string; formerTokensUntil: string }>(
      'rotate',
      'idp',
      '--overlap',
      '1h',
    );
    secrets.push(rotated.token);
    for (const token of [made.token, rotated.token])
      expect((await call('GET', `${made.baseUrl}/Users`, token)).status).toBe(200);
    const listed = await run<{ id: string; tokens: { expiresAt: string | null }[] }[]>('list');
    expect(listed.map(c => c.id)).toEqual(expect.arrayContaining(['entra', 'okta', 'strict', 'idp']));
    expect(listed.find(c => c.id === 'idp')?.tokens.map(t => t.expiresAt)).toEqual([
      rotated.formerTokensUntil,
      null,
    ]);
    const table = await sever(pipeline, ['connection', 'list']);
    expect(table.stdout).toContain('token until');
  });

  it('let an operator say who comes back under the name of a leaver', async () => {
    const made = await create('namesakes', '--rebind', 'manual');
    const post = (externalId: string) => {
      const body = { schemas: [USER], userName: 'lou@acme.example', externalId, active: true };
      return call('POST', `${made.baseUrl}/Users`, made.token, body);
    };
    const { id } = (await post('one')).body;
    await call('PUT', `${made.baseUrl}/Users/${String(id)}`, made.token, {
      ...{ schemas: [USER], userName: 'lou@acme.example', externalId: 'one', active: false },
    });
    expect((await post('two')).status).toBe(409);
    const table = await sever(pipeline, ['connection', 'rebinds', 'namesakes']);
    expect(table.stdout).toContain('lou@acme.example');
    const [open] = await run<{ id: string }[]>('rebinds', 'namesakes');
    const say = ['rebind', 'namesakes', String(open?.id), '--reason', 'asked'];
    const unsaid = await sever(pipeline, ['connection', ...say]);
    expect([unsaid.status, unsaid.stderr]).toEqual([2, expect.stringContaining('--same-person')]);
    expect(await run(...say, '--same-person')).toMatchObject({ decision: 'same-person' });
    expect((await post('two')).body).toMatchObject({ id, active: true, externalId: 'two' });
    expect(await run('set', 'namesakes', '--rebind', 'never')).toMatchObject({ rebind: 'never' });
    const wrong = await sever(pipeline, ['connection', 'set', 'namesakes', '--rebind', 'always']);
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('--rebind')]);
  });

  it('gives a client tokens at the token endpoint', async () => {
    const made = await create('machine', '--oauth');
    expect(made.token).toBeNull();
    const reply = await fetch(made.oauth.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: made.oauth.clientId,
        client_secret: made.oauth.clientSecret,
      }),
    });
    const { access_token: token } = (await reply.json()) as { access_token: string };
    secrets.push(token);
    expect((await call('GET', `${made.baseUrl}/Users`, token)).status).toBe(200);
  });

  it('takes clients with keys of their own, and lets go of clients', async () => {
    const file = path.join(pipeline.dataDir, 'client-keys.json');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }));
    const added = await run<{ clientId: string; clientSecret: null }>('client', 'machine', '--jwks', file);
    expect(added.clientSecret).toBeNull();
    await run('client', 'machine', '--remove', added.clientId);
    const listed = await run<{ id: string; clients: { clientId: string }[] }[]>('list', '--tenant', 'acme');
    const left = listed.find(c => c.id === 'machine')?.clients.map(c => c.clientId);
    expect(left).toHaveLength(1);
    expect(left).not.toContain(added.clientId);
  });

  it('trusts the provisioning service of an Entra tenant', async () => {
    const tenant = '11111111-2222-3333-4444-555555555555';
    await create('federated');
    const trusted = await run<{ issuers: object[] }>('trust', 'federated', '--entra-tenant', tenant);
    expect(trusted.issuers).toEqual([
      {
        issuer: `https://sts.windows.net/${tenant}/`,
        audiences: ['8adf8e6e-67b2-4cf2-a259-e3dc5476c621'],
        claims: { tid: tenant, appid: '00000014-0000-0000-c000-000000000000' },
        algorithms: ['RS256'],
      },
    ]);
  });

  it.each([
    ['rotate without a connection', ['rotate', 'nobody'], 1, 'connection.unknown'],
    ['rotate now and later', ['rotate', 'idp', '--now', '--overlap', '1h'], 2, 'usage'],
    ['trust nobody', ['trust', 'idp'], 2, 'usage'],
    ['trust no tenant', ['trust', 'idp', '--entra-tenant', 'notaguid'], 2, '--entra-tenant'],
    ['rotate for no time', ['rotate', 'idp', '--overlap', 'xx'], 2, '--overlap'],
    ['create in no dialect', ['create', '--tenant', 'acme', '--dialect', 'nope'], 2, '--dialect'],
    ['retire without a reason', ['retire', 'idp'], 2, 'reason'],
    ['keep and opt out', ['retire', 'idp', '--reason', 'r', '--keep', '--opt-out-all'], 2, 'usage'],
  ])('refuses to %s', async (_name, args, status, code) => {
    const answer = await sever(pipeline, ['connection', ...args]);
    expect(answer.status).toBe(status);
    expect(answer.stderr).toContain(code);
  });

  it('retires one only with a decision for its people, and opts out each of them once', async () => {
    const made = await create('leaving');
    const names = Array.from({ length: 5 }, (_, i) => `retired.${i}@acme.example`);
    for (const name of names) await register(made, name);

    const undecided = await sever(pipeline, ['connection', 'retire', 'leaving', '--reason', 'moved']);
    expect(undecided.status).toBe(1);
    expect(undecided.stderr).toContain('connection.people-active');
    for (const name of names) expect(undecided.stderr).toContain(name);
    expect((await call('GET', `${made.baseUrl}/Users`, made.token)).status).toBe(200);

    // Somebody was asked for in a run that was interrupted.
    type Person = { subject: string; userName: string };
    const { api } = pipeline.ready;
    const people = await call('GET', `${api.baseUrl}/v1/connections/leaving/people`, api.token);
    const [first] = people.body.items as Person[];
    await call(
      'POST',
      `${api.baseUrl}/v1/opt-outs`,
      api.token,
      { tenant: 'acme', subject: first?.subject, reason: 'moved' },
      { 'idempotency-key': `retire leaving ${first?.subject}` },
    );

    const retire = () =>
      run<{ optOuts: number; activePeople: number; failed: object[] }>(
        'retire',
        'leaving',
        '--reason',
        'moved',
        '--opt-out-all',
      );
    expect(await retire()).toMatchObject({ optOuts: 4, failed: [] });
    expect(await retire()).toMatchObject({ optOuts: 0, activePeople: 0 });
    for (const name of names) {
      const found = await eventually('the opt-out is projected', async () => {
        const items = await optOuts(name);
        return items.length > 0 && items;
      });
      expect(found).toHaveLength(1);
    }
    expect((await call('GET', `${made.baseUrl}/Users`, made.token)).status).toBe(401);
  });

  it('writes no secret into log, process logs or errors', async () => {
    const { databaseUrl, api, connections } = pipeline.ready;
    const seeded = [...secrets, api.token, ...connections.map(c => c.token)];
    expect(seeded.length).toBeGreaterThan(10);
    const errors = await Promise.all(
      seeded.flatMap(secret => [
        fetch(`${api.baseUrl}/scim/v2/nobody/Users`, { headers: { authorization: `Bearer ${secret}` } }),
        fetch(`${api.baseUrl}/v1/connections`, { headers: { authorization: `Bearer x${secret}` } }),
        fetch(`${api.baseUrl}/oauth2/token`, {
          method: 'POST',
          body: new URLSearchParams({ grant_type: 'x', client_id: secret, client_secret: secret }),
        }),
      ]),
    );
    const said = (await Promise.all(errors.map(reply => reply.text()))).join('\n');
    const logs = path.join(pipeline.dataDir, 'logs');
    const written = readdirSync(logs).map(file => readFileSync(path.join(logs, file), 'utf8'));
    const events = await sql<{ value: string }>(
      databaseUrl,
      `select convert_from(value, 'UTF8') as value from log_record`,
    );
    expect(events.length).toBeGreaterThan(0);
    expect(written.join('').length).toBeGreaterThan(0);
    const everything = [said, pipeline.log(), ...written, ...events.map(e => e.value)].join('\n');
    expect(seeded.filter(secret => everything.includes(secret))).toEqual([]);
  });
});
