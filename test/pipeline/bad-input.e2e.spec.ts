import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { call, eventually, sql } from '../harness/clients.js';
import { makePerson, inState, register } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(180_000);

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

describe('what arrives wrong', () => {
  let pipeline: Pipeline;
  let id: string;
  let events: number;
  const userName = 'careful@acme.example';
  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', 'never']);
    id = await register(pipeline, 'strict', userName);
    events = await logged();
  });
  afterAll(() => pipeline?.dispose());

  const logged = async (): Promise<number> =>
    Number(
      (
        await sql<{ n: string }>(
          pipeline.ready.databaseUrl,
          'select sum(next_offset) as n from log_partition',
        )
      )[0]?.n,
    );

  const raw = (
    method: string,
    path: string,
    body: string | undefined,
    headers: Record<string, string>,
    connection = 'strict',
  ) =>
    fetch(pipeline.connection(connection).baseUrl + path, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });

  const auth = (connection = 'strict'): Record<string, string> => ({
    authorization: `Bearer ${pipeline.connection(connection).token}`,
  });
  const scim = { 'content-type': 'application/scim+json' };
  const patchBody = (operation: object): string =>
    JSON.stringify({ schemas: [PATCH], Operations: [operation] });

  type Case = [name: string, status: number, scimType: string | undefined, send: () => Promise<Response>];
  const CASES: Case[] = [
    ['malformed JSON', 400, 'invalidSyntax', () => raw('POST', '/Users', '{"a":', { ...auth(), ...scim })],
    ['an empty body', 400, 'invalidSyntax', () => raw('POST', '/Users', '', { ...auth(), ...scim })],
    ['an array', 400, 'invalidSyntax', () => raw('POST', '/Users', '[]', { ...auth(), ...scim })],
    [
      'another content type',
      415,
      undefined,
      () => raw('POST', '/Users', '<a/>', { ...auth(), 'content-type': 'text/xml' }),
    ],
    [
      'more than a mebibyte',
      413,
      undefined,
      () => raw('POST', '/Users', JSON.stringify({ a: 'x'.repeat(1_100_000) }), { ...auth(), ...scim }),
    ],
    [
      'an unknown attribute',
      400,
      'invalidSyntax',
      () =>
        raw('POST', '/Users', JSON.stringify({ schemas: [USER], userName: 'n', shoe: 42 }), {
          ...auth(),
          ...scim,
        }),
    ],
    [
      'a wrong type',
      400,
      'invalidValue',
      () => raw('POST', '/Users', JSON.stringify({ schemas: [USER], userName: 7 }), { ...auth(), ...scim }),
    ],
    [
      'no userName',
      400,
      'invalidValue',
      () => raw('POST', '/Users', JSON.stringify({ schemas: [USER] }), { ...auth(), ...scim }),
    ],
    [
      'a taken userName',
      409,
      'uniqueness',
      () =>
        raw('POST', '/Users', JSON.stringify({ schemas: [USER], userName: userName.toUpperCase() }), {
          ...auth(),
          ...scim,
        }),
    ],
    [
      'a polluting key',
      400,
      'invalidSyntax',
      () =>
        raw('POST', '/Users', `{"schemas":["${USER}"],"userName":"n","__proto__":{"x":1}}`, {
          ...auth(),
          ...scim,
        }),
    ],
    [
      'a polluting path',
      400,
      undefined,
      () =>
        raw('PATCH', `/Users/${id}`, patchBody({ op: 'add', path: 'constructor.prototype.x', value: 1 }), {
          ...auth(),
          ...scim,
        }),
    ],
    [
      'a NUL character',
      400,
      'invalidSyntax',
      () =>
        raw('POST', '/Users', JSON.stringify({ schemas: [USER], userName: 'a\0b' }), { ...auth(), ...scim }),
    ],
    ['no token', 401, undefined, () => raw('GET', '/Users', undefined, {})],
    [
      'a wrong token',
      401,
      undefined,
      () => raw('GET', '/Users', undefined, { authorization: 'Bearer wrong' }),
    ],
    ['the token of another connection', 401, undefined, () => raw('GET', '/Users', undefined, auth('okta'))],
    ['an unknown id', 404, undefined, () => raw('GET', '/Users/nonexistent-id-000000', undefined, auth())],
    [
      'an id of another connection',
      404,
      undefined,
      () => raw('DELETE', `/Users/${id}`, undefined, auth('okta'), 'okta'),
    ],
    [
      'an unsupported filter',
      400,
      'invalidFilter',
      () => raw('GET', '/Users?filter=shoe%20eq%20%22x%22', undefined, auth()),
    ],
    [
      'an order by what nobody knows',
      400,
      'invalidPath',
      () => raw('GET', '/Users?sortBy=shoe', undefined, auth()),
    ],
    [
      'a parameter that stands there twice',
      400,
      'invalidValue',
      () => raw('GET', '/Users?sortBy=userName&sortBy=title', undefined, auth()),
    ],
    [
      'silence about whether a person is active',
      400,
      'mutability',
      () => raw('PATCH', `/Users/${id}`, patchBody({ op: 'remove', path: 'active' }), { ...auth(), ...scim }),
    ],
    [
      'a stale version',
      412,
      undefined,
      () =>
        raw('PATCH', `/Users/${id}`, patchBody({ op: 'replace', path: 'title', value: 'x' }), {
          ...auth(),
          ...scim,
          'if-match': 'W/"99"',
        }),
    ],
    ['a write to discovery', 405, undefined, () => raw('PUT', '/Schemas', '{}', { ...auth(), ...scim })],
    [
      'what this version does not serve',
      501,
      undefined,
      () => raw('POST', '/Me', '{}', { ...auth(), ...scim }),
    ],
    [
      'a bulk request that is none',
      400,
      'invalidSyntax',
      () => raw('POST', '/Bulk', '{}', { ...auth(), ...scim }),
    ],
    [
      'a search that is none',
      400,
      'invalidSyntax',
      () => raw('POST', '/Users/.search', '{}', { ...auth(), ...scim }),
    ],
    ['an unknown address', 404, undefined, () => raw('GET', '/Shoes', undefined, auth())],
  ];

  it.each(CASES)('%s is answered with %i and a SCIM error body', async (_name, status, scimType, send) => {
    const reply = await send();
    const body = (await reply.json()) as {
      schemas: string[];
      status: string;
      scimType?: string;
      detail: string;
    };
    expect([reply.status, body.status, body.schemas]).toEqual([status, String(status), [ERROR]]);
    expect(reply.headers.get('content-type')).toContain('application/scim+json');
    if (scimType !== undefined) expect(body.scimType).toBe(scimType);
    expect(body.detail.length).toBeGreaterThan(5);
  });

  it('changes nothing and writes nothing', async () => {
    expect(await logged()).toBe(events);
    expect((await (await raw('GET', `/Users/${id}`, undefined, auth())).json()) as object).toMatchObject({
      userName,
      active: true,
    });
  });

  it('at the REST door is answered with problem details', async () => {
    const { baseUrl, token } = pipeline.ready.api;
    const cases: [number, string, () => Promise<{ status: number; body: Record<string, unknown> }>][] = [
      [400, 'request.malformed', () => call('POST', `${baseUrl}/v1/opt-outs`, token, '{')],
      [400, 'request.invalid', () => call('POST', `${baseUrl}/v1/opt-outs`, token, { tenant: 'acme' })],
      [
        400,
        'request.invalid',
        () => call('POST', `${baseUrl}/v1/opt-outs`, token, { tenant: 'acme', userName: 'x', surprise: 1 }),
      ],
      [
        404,
        'subject.unknown',
        () => call('POST', `${baseUrl}/v1/opt-outs`, token, { tenant: 'no-such', userName: 'x' }),
      ],
      [404, 'opt-out.unknown', () => call('GET', `${baseUrl}/v1/opt-outs/x`, token)],
      [
        404,
        'opt-out.unknown',
        () => call('POST', `${baseUrl}/v1/opt-outs/x/restore`, token, { reason: 'r' }),
      ],
      [401, 'auth.required', () => call('GET', `${baseUrl}/v1/opt-outs`, 'wrong')],
      [
        404,
        'opt-out.unknown',
        () => call('POST', `${baseUrl}/v1/opt-outs/x/approve`, token, { reason: 'r' }),
      ],
      [404, 'route.unknown', () => call('POST', `${baseUrl}/v1/staged-opt-outs/forget`, token, {})],
      [400, 'request.invalid', () => call('GET', `${baseUrl}/v1/governor`, token)],
    ];
    for (const [status, code, send] of cases) {
      const reply = await send();
      expect([reply.status, reply.body.code]).toEqual([status, code]);
    }
  });

  it('at the command line ends with the right status', async () => {
    expect((await sever(pipeline, ['opt-out', '--tenant', 'acme'])).status).toBe(2);
    expect((await sever(pipeline, ['approve', 'x', '--reason', 'r'])).status).toBe(1);
    expect((await sever(pipeline, ['approve', 'x', '--all', '--reason', 'r'])).status).toBe(2);
    expect((await sever(pipeline, ['reject', '--reason', 'r'])).status).toBe(2);
    expect((await sever(pipeline, ['governor'])).status).toBe(2);
    const many = ['governor', 'set', '--tenant', 'acme', '--reason', 'r', '--max', 'many'];
    expect((await sever(pipeline, many)).status).toBe(2);
    expect((await sever(pipeline, ['restore', 'x', '--reason', 'r'])).status).toBe(1);
    const nowhere = { ...pipeline, dataDir: `${pipeline.dataDir}/nowhere` };
    expect((await sever(nowhere, ['status'])).status).toBe(3);
    expect((await sever(pipeline, ['up', '--port', '0'])).status).toBe(1);
    expect((await sever(pipeline, ['up', '--port', 'x'])).status).toBe(2);
  });

  it('a seeded name stands in the clear in no event, no snapshot, no work and no log file', async () => {
    const person = await makePerson(pipeline, 'nameless');
    const resource = await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.connection('entra');
    const Operations = [{ op: 'replace', path: 'active', value: false }];
    await call('PATCH', `${baseUrl}/Users/${resource}`, token, { schemas: [PATCH], Operations });
    await inState(pipeline, person.userName, ['closed']);
    const tables: [string, string][] = [
      ['log_record', `convert_from(value, 'UTF8') || headers::text || key`],
      ['audit_event', `convert_from(value, 'UTF8')`],
      ['connector_snapshot', 'sealed::text'],
      ['connector_account', 'sealed::text'],
      ['work_item', `convert_from(event, 'UTF8')`],
      ['rm_opt_out', 'state::text'],
      ['rm_instance', 'state::text'],
      ['coordination_state', `coalesce(request::text, '') || outcomes::text`],
    ];
    for (const [table, text] of tables)
      expect([
        table,
        await sql(pipeline.ready.databaseUrl, `select 1 from ${table} where strpos(${text}, $1) > 0`, [
          person.userName,
        ]),
      ]).toEqual([table, []]);
    const found = execFileSync(
      'sh',
      [
        '-c',
        `grep -rl -- "$NAME" "$DIR"/logs/scim-ingress.log "$DIR"/logs/co*.log "$DIR"/logs/projector.log || true`,
      ],
      {
        env: { ...process.env, NAME: person.userName, DIR: pipeline.dataDir },
        encoding: 'utf8',
      },
    );
    expect(found).toBe('');
  });

  it('while the database is gone nothing is acknowledged, and afterwards everything goes on', async () => {
    const { baseUrl, token } = pipeline.connection('strict');
    const write = (value: string) =>
      call('PATCH', `${baseUrl}/Users/${id}`, token, {
        schemas: [PATCH],
        Operations: [{ op: 'replace', path: 'title', value }],
      });
    const database = pipeline.current().processes.find(p => p.name === 'postgres')?.pid ?? 0;
    process.kill(database, 'SIGKILL');
    const refused = await eventually('a refusal', async () => {
      const reply = await write('during');
      return reply.status === 503 ? reply : undefined;
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.body.schemas).toEqual([ERROR]);
    await eventually(
      'the next accepted write',
      async () => (await write('after')).status === 200,
      60_000,
      200,
    );
    expect((await call('GET', `${baseUrl}/Users/${id}`, token)).body.title).toBe('after');
  });
});
