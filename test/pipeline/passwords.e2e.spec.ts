import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { eventually, sql } from '../harness/clients.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { filesWith, tablesWith } from '../harness/written-anywhere.js';

jest.setTimeout(300_000);

const API = 'urn:ietf:params:scim:api:messages:2.0';
const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const DIALECTS = ['strict', 'entra', 'okta', 'lenient'] as const;

/** A secret that nobody else would write, and a name that is kept, so that a search that finds nothing has looked. */
const SECRET = `hush-${randomBytes(12).toString('hex')}`;
const KEPT = `kept-${randomBytes(12).toString('hex')}@x.example`;

describe('a password that an identity provider sends along', () => {
  let pipeline: Pipeline;
  const answers: { asked: string; status: number; text: string }[] = [];

  const user = (userName: string, more: object): object => ({
    ...{ schemas: [`${CORE}:User`, ENTERPRISE], userName, active: true },
    ...more,
  });
  const patch = (...operations: object[]): object => ({
    schemas: [`${API}:PatchOp`],
    Operations: operations.map(operation => ({ op: 'replace', ...operation })),
  });

  async function send(
    connection: string,
    method: string,
    at: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ id?: string; status: number }> {
    const { baseUrl, token } = pipeline.connection(connection);
    const reply = await fetch(baseUrl + at, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    answers.push({ asked: `${connection} ${method} ${at}`, status: reply.status, text });
    return { ...(text.startsWith('{') ? (JSON.parse(text) as { id?: string }) : {}), status: reply.status };
  }

  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', 'never', '--rate-limit', 'off'], {
      env: { SEVER_LOG_LEVEL: 'trace' },
    });
    for (const [i, connection] of DIALECTS.entries()) {
      const { id = '' } = await send(connection, 'POST', '/Users', user(`${i}${KEPT}`, {}));
      const at = `/Users/${id}`;
      // In every place of a user where one could stand.
      const spots: object[] = [
        { password: SECRET },
        { Password: SECRET, PASSWORD: SECRET },
        { [`${CORE}:User:password`]: SECRET },
        { [`${CORE}:User`]: { password: SECRET } },
        { [ENTERPRISE]: { password: SECRET } },
        { name: { password: SECRET } },
        { emails: [{ value: 'a@x.example', password: SECRET }] },
        { password: { value: [SECRET] } },
        { active: SECRET },
      ];
      for (const [n, spot] of spots.entries()) {
        await send(connection, 'POST', '/Users', user(`p${i}-${n}@x.example`, spot));
        await send(connection, 'PUT', at, user(`${i}${KEPT}`, spot));
        await send(connection, 'PATCH', at, patch({ value: spot }));
        await send(connection, 'PATCH', at, patch({ path: 'name', value: spot }));
        await send(connection, 'PATCH', at, patch({ path: ENTERPRISE, value: spot }));
      }
      for (const spot of ['password', 'Password', `${CORE}:User:password`, `${ENTERPRISE}:password`]) {
        await send(connection, 'PATCH', at, patch({ path: spot, value: SECRET }));
        await send(connection, 'PATCH', at, patch({ op: 'add', path: spot, value: [{ value: SECRET }] }));
        await send(connection, 'PATCH', at, patch({ op: 'remove', path: spot, value: SECRET }));
      }
      // With an opt-out, without waiting, in a Bulk request, in a group.
      const leaving = patch({ path: 'password', value: SECRET }, { path: 'active', value: false });
      await send(connection, 'PATCH', at, leaving, { prefer: 'respond-async' });
      await send(connection, 'PATCH', at, patch({ path: 'active', value: false }));
      await send(connection, 'POST', '/Bulk', {
        schemas: [`${API}:BulkRequest`],
        Operations: [
          {
            method: 'POST',
            path: '/Users',
            bulkId: 'b',
            data: user(`b${i}@x.example`, { password: SECRET }),
          },
          { method: 'PUT', path: at, data: user(`${i}${KEPT}`, { password: SECRET }) },
          { method: 'PATCH', path: at, data: patch({ path: 'password', value: SECRET }) },
          { method: 'POST', path: '/Users', data: { password: SECRET } },
        ],
      });
      await send(connection, 'POST', '/Groups', {
        ...{ schemas: [`${CORE}:Group`], displayName: `g${i}`, password: SECRET },
        members: [{ value: id, password: SECRET }],
      });
      // In what cannot be read at all, or by somebody who is not let in.
      await send(connection, 'POST', '/Users', `{"password":"${SECRET}",`);
      await send(connection, 'POST', '/Users', `[{"password":"${SECRET}"}]`);
      await send(connection, 'POST', '/Users', { password: SECRET, ['__proto__x']: 1 });
      await send(connection, 'POST', '/Users', `password=${SECRET}`, { 'content-type': 'text/plain' });
      await send(connection, 'POST', '/Users', user('n@x.example', { password: SECRET }), {
        authorization: 'Bearer nobody',
      });
      await send(connection, 'PUT', '/Users/nobody', user('n@x.example', { password: SECRET }));
      await send(connection, 'PUT', '/Users', user('n@x.example', { password: SECRET }));
      await send(connection, 'POST', '/Users/.search', {
        schemas: [`${API}:SearchRequest`],
        filter: `password eq "${SECRET}"`,
      });
    }
    await eventually('the opt-outs are projected', async () => {
      const found = await sql<{ n: string }>(
        pipeline.ready.databaseUrl,
        `select count(*) as n from rm_opt_out where phase = 'closed'`,
      );
      return Number(found[0]?.n) >= 1;
    });
    await eventually('refusals are kept', async () => {
      const found = await sql<{ n: string }>(
        pipeline.ready.databaseUrl,
        'select count(*) as n from refused_request',
      );
      return Number(found[0]?.n) > 0;
    });
  });
  afterAll(() => pipeline?.dispose());

  it('was sent in requests that were accepted and in ones that were refused', () => {
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].sort((a, b) => a - b)).toEqual([200, 201, 202, 204, 400, 401, 404, 405, 415]);
  });

  it('stands in no answer', () => {
    expect(answers.filter(({ text }) => text.includes(SECRET)).map(({ asked }) => asked)).toEqual([]);
  });

  it('stands in no table: no event, no projection, no directory, no refusal that is kept', async () => {
    const { databaseUrl } = pipeline.ready;
    expect(await tablesWith(databaseUrl, SECRET)).toEqual([]);
    // Somebody's name is kept in the directory, and is found there.
    expect(await tablesWith(databaseUrl, KEPT)).toContain('public.scim_resource');
  });

  it('stands in no file: no process log, no database file, no write-ahead log', () => {
    expect(filesWith(pipeline.dataDir, SECRET)).toEqual([]);
    expect(filesWith(pipeline.dataDir, KEPT).length).toBeGreaterThan(0);
    expect(filesWith(path.join(pipeline.dataDir, 'logs'), 'scim-ingress').length).toBeGreaterThan(0);
    expect(pipeline.log()).not.toContain(SECRET);
  });

  it('stands in no metric', async () => {
    const { baseUrl } = pipeline.ready.api;
    const metrics = await (await fetch(`${baseUrl}/metrics`)).text();
    expect(metrics).toContain('sever_scim_requests_refused_total');
    expect(metrics).not.toContain(SECRET);
  });
});
