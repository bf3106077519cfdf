import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Json, JsonObject } from '../json-value.js';
import { ScimError } from '../scim-error.js';
import { BULK_OPERATIONS_MAX, BULK_REQUEST_SCHEMA, parseBulk, type BulkOperation } from './bulk-request.js';
import { runBulk, type BulkDone } from './run-bulk.js';

const BASE = 'https://sever.example/scim/v2/one';
const post = (bulkId: string, data: JsonObject = {}, path = '/Users'): JsonObject => ({
  method: 'POST',
  path,
  bulkId,
  data,
});
const bulk = (operations: Json[], rest: JsonObject = {}): JsonObject => ({
  schemas: [BULK_REQUEST_SCHEMA],
  Operations: operations,
  ...rest,
});

/** A service that makes resources with ids of its own, refuses what says so, and remembers what it was asked. */
class Service {
  readonly asked: BulkOperation[] = [];
  /** What was said of resources that were made in a circle. */
  readonly joined: BulkOperation[] = [];
  private readonly names: Map<string, string>;

  /** @param names of those who are there, by id: nobody else can be called so */
  constructor(names: Readonly<Record<string, string>> = {}) {
    this.names = new Map(Object.entries(names));
  }

  readonly carryOut = async (operation: BulkOperation): Promise<BulkDone> => {
    (isJoin(operation) ? this.joined : this.asked).push(operation);
    const id = operation.id ?? `id-${operation.bulkId}`;
    const userName = nameIn(operation);
    // As a service that looks first and writes then: what another operation does between is not seen.
    const holder = userName && [...this.names].find(([of, name]) => name === userName && of !== id);
    await new Promise(resolve => setTimeout(resolve, Math.random() * 2));
    if (holder || JSON.stringify(operation.data).includes('refuse'))
      throw new ScimError(409, 'refused', 'uniqueness');
    if (userName) this.names.set(id, userName);
    const status = operation.method === 'POST' ? 201 : operation.method === 'DELETE' ? 204 : 200;
    return { status, id, location: `${BASE}/${operation.endpoint}/${id}` };
  };

  async answers(request: Json): Promise<JsonObject[]> {
    const response = await runBulk(parseBulk(request, ['Users', 'Groups']), {
      base: BASE,
      carryOut: this.carryOut,
      namesOf: async () => new Map(this.names),
      atOnce: () => 64,
    });
    return response.Operations as JsonObject[];
  }
}

function nameIn({ data }: BulkOperation): string | undefined {
  const said = data as { userName?: string; Operations?: { path?: string; value: string }[] } | null;
  return said?.userName ?? said?.Operations?.find(({ path }) => path === 'userName')?.value;
}
const isJoin = ({ data }: BulkOperation): boolean => JSON.stringify(data).includes('PatchOp');
const to = (bulkId: string): JsonObject => ({ value: `bulkId:${bulkId}` });

describe('a bulk request', () => {
  it('is answered operation by operation, in its order', async () => {
    const service = new Service();
    const answers = await service.answers(
      bulk([
        post('a', { userName: 'a' }),
        { method: 'patch', path: '/users/7', data: {}, version: 'W/"3"' },
        { method: 'DELETE', path: '/Groups/9' },
      ]),
    );
    expect(answers).toEqual([
      { method: 'POST', bulkId: 'a', location: `${BASE}/Users/id-a`, status: '201' },
      { method: 'PATCH', location: `${BASE}/Users/7`, status: '200' },
      { method: 'DELETE', location: `${BASE}/Groups/9`, status: '204' },
    ]);
    expect(service.asked[1]).toMatchObject({ endpoint: 'Users', id: '7', version: 'W/"3"' });
  });

  it('may refer to what it makes, forwards and backwards, in data and paths', async () => {
    const service = new Service();
    const answers = await service.answers(
      bulk([
        post(
          'team',
          { displayName: 'team', members: [{ value: 'bulkId:a' }, { value: 'known' }] },
          '/Groups',
        ),
        post('a', { userName: 'a' }),
        { method: 'PATCH', path: '/Groups/bulkId:team', data: { manager: 'bulkId:a' } },
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual(['201', '201', '200']);
    expect(service.asked.map(({ id, data }) => [id, data])).toEqual([
      [undefined, { userName: 'a' }],
      [undefined, { displayName: 'team', members: [{ value: 'id-a' }, { value: 'known' }] }],
      ['id-team', { manager: 'id-a' }],
    ]);
  });

  it('is refused in part when operations refer to nothing, or to what failed', async () => {
    const service = new Service();
    const answers = await service.answers(
      bulk([
        post('d', { x: to('nowhere') }),
        post('e', { x: 'refuse' }),
        post('f', { x: to('e') }),
        post('g'),
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual(['400', '409', '409', '201']);
    expect(service.asked.map(({ bulkId }) => bulkId)).toEqual(['e', 'g']);
    expect(answers[0]?.response).toMatchObject({ status: '400', scimType: 'invalidValue' });
  });

  it('makes what refers to each other in a circle first, and joins it afterwards', async () => {
    const service = new Service();
    const answers = await service.answers(
      bulk([
        post('a', { displayName: 'a', members: [to('b'), { value: 'known' }] }, '/Groups'),
        post('b', { displayName: 'b', members: [to('a')] }, '/Groups'),
        post('c', { userName: 'c', 'urn:x:User': { manager: to('c'), division: 'd' } }),
      ]),
    );
    expect(answers.map(({ status, location }) => [status, location])).toEqual([
      ['201', `${BASE}/Groups/id-a`],
      ['201', `${BASE}/Groups/id-b`],
      ['201', `${BASE}/Users/id-c`],
    ]);
    const made = service.asked.map(({ bulkId, data }) => [bulkId, data]);
    expect(Object.fromEntries(made)).toEqual({
      a: { displayName: 'a', members: [{ value: 'known' }] },
      b: { displayName: 'b', members: [{ value: 'id-a' }] },
      c: { userName: 'c', 'urn:x:User': { division: 'd' } },
    });
    const joined = service.joined.map(({ id, data }) => [id, (data as { Operations: Json }).Operations]);
    expect(Object.fromEntries(joined)).toEqual({
      'id-a': [{ op: 'add', path: 'members', value: [{ value: 'id-b' }] }],
      'id-c': [{ op: 'add', path: 'urn:x:User:manager', value: { value: 'id-c' } }],
    });
  });

  it('says where the resource is that could be made but not joined', async () => {
    const answers = await new Service().answers(
      bulk([
        post('a', { members: [to('b')] }, '/Groups'),
        post('b', { displayName: 'refuse', members: [to('a')] }, '/Groups'),
      ]),
    );
    expect(answers).toMatchObject([
      { status: '409', location: `${BASE}/Groups/id-a`, response: { status: '409' } },
      { status: '409' },
    ]);
    expect(answers[1]).not.toHaveProperty('location');
  });

  it('takes bulkId: for a reference only where a resource is named', async () => {
    const service = new Service();
    const $ref = (id: string): JsonObject => ({ $ref: `../Users/${id}` });
    const answers = await service.answers(
      bulk([
        post('a', { userName: 'a', displayName: 'bulkId:none' }),
        post('b', { userName: 'b', displayName: 'bulkId:a', 'urn:x:User': { manager: $ref('bulkId:a') } }),
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual(['201', '201']);
    expect(service.asked.map(({ data }) => data)).toEqual([
      { userName: 'a', displayName: 'bulkId:none' },
      { userName: 'b', displayName: 'bulkId:a', 'urn:x:User': { manager: $ref('id-a') } },
    ]);
  });

  it.each(['PUT', 'PATCH'])('hands names on in the order of its %ss', async method => {
    const ids = Array.from({ length: 30 }, (_, i) => `u${i}`);
    const service = new Service(Object.fromEntries(ids.map(id => [id, `name of ${id}`])));
    const rename = (id: string, userName: string): JsonObject => ({
      ...{ method, path: `/Users/${id}` },
      data:
        method === 'PUT'
          ? { userName }
          : { Operations: [{ op: 'replace', path: 'userName', value: userName }] },
    });
    const answers = await service.answers(
      bulk(ids.map((id, i) => rename(id, i === 0 ? 'a new name' : `name of u${i - 1}`))),
    );
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => '200'));
    // The other way round the name is not free yet.
    const [first, second] = await service.answers(bulk([rename('u9', 'name of u9'), rename('u10', 'z')]));
    expect([first?.status, second?.status]).toEqual(['409', '200']);
  });

  it.each([
    ['no method', { path: '/Users/1' }],
    ['a method that changes nothing', { method: 'GET', path: '/Users/1' }],
    ['an address that is not served', { method: 'DELETE', path: '/Devices/1' }],
    ['no resource to delete', { method: 'DELETE', path: '/Users' }],
    ['a POST without a bulkId', { method: 'POST', path: '/Users', data: {} }],
    ['a PUT without data', { method: 'PUT', path: '/Users/1' }],
    ['a version that is no text', { method: 'DELETE', path: '/Users/1', version: 3 }],
    ['nothing at all', null],
  ])('answers an operation with %s for itself, with 400', async (_what, operation) => {
    const service = new Service();
    const answers = await service.answers(bulk([operation, post('a')]));
    expect(answers.map(({ status }) => status)).toEqual(['400', '201']);
    expect(answers[0]?.response).toMatchObject({ status: '400', detail: expect.any(String) });
  });

  it('names the resource of an operation that was refused', async () => {
    const answers = await new Service().answers(
      bulk([
        { method: 'PUT', path: '/Users/7', data: { x: 'refuse' } },
        { method: 'PUT', path: '/Users/8' },
        { method: 'DELETE', path: '/Users/9', version: 5 },
        post('a', { userName: 'a' }),
        { method: 'PATCH', path: '/Users/bulkId:a', data: { x: 'refuse' } },
      ]),
    );
    expect(answers.map(({ method, location, status }) => [method, location, status])).toEqual([
      ['PUT', `${BASE}/Users/7`, '409'],
      ['PUT', `${BASE}/Users/8`, '400'],
      ['DELETE', `${BASE}/Users/9`, '400'],
      ['POST', `${BASE}/Users/id-a`, '201'],
      ['PATCH', `${BASE}/Users/id-a`, '409'],
    ]);
  });

  it('ends after the errors that it allows', async () => {
    const service = new Service();
    const operations = [post('a'), post('b', { x: 'refuse' }), null, post('c'), post('d')];
    const answers = await service.answers(bulk(operations, { failOnErrors: 2 }));
    expect(answers.map(({ status }) => status)).toEqual(['201', '409', '400']);
    expect(service.asked.map(({ bulkId }) => bulkId)).toEqual(['a', 'b']);
    await expect(new Service().answers(bulk(operations, { failOnErrors: 0 }))).rejects.toMatchObject({
      status: 400,
    });
  });

  it.each([
    ['too many operations', bulk(Array.from({ length: BULK_OPERATIONS_MAX + 1 }, () => null)), 413],
    ['no schema', { Operations: [] }, 400],
    ['no operations', { schemas: [BULK_REQUEST_SCHEMA] }, 400],
    ['no object', [], 400],
  ])('is refused as a whole for %s', async (_what, request, status) => {
    await expect(new Service().answers(request)).rejects.toMatchObject({ status });
  });

  it('carries each operation out once, those about one resource in their order, whatever refers to whatever', async () => {
    const id = fc.constantFrom('1', '2', '3', 'bulkId:a', 'bulkId:b');
    const reference = fc.constantFrom('x', 'bulkId:a', 'bulkId:b', 'bulkId:c', 'bulkId:none', 'refuse');
    const operation: fc.Arbitrary<Json> = fc.oneof(
      fc
        .record({ bulkId: fc.constantFrom('a', 'b', 'c', 'd'), x: reference })
        .map(({ bulkId, x }) => post(bulkId, { x: { value: x } })),
      fc
        .record({ method: fc.constantFrom('PUT', 'PATCH'), id, x: reference })
        .map(({ method, id: of, x }) => ({
          method,
          path: `/Users/${of}`,
          data: { x: { value: x } },
        })),
      id.map(of => ({ method: 'DELETE', path: `/Users/${of}` })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async operations => {
        const service = new Service();
        const answers = await service.answers(bulk(operations));
        expect(answers).toHaveLength(operations.length);
        for (const [i, { method }] of answers.entries())
          expect(method).toBe((operations[i] as JsonObject).method);
        const carried = answers.filter(
          ({ response }) => !JSON.stringify(response ?? '').match(/circle|no POST|could not be made|twice/),
        );
        expect(service.asked).toHaveLength(carried.length);
        for (const person of ['1', '2', '3']) {
          const wanted = operations.flatMap((o, i) =>
            (o as { path: string }).path === `/Users/${person}` && carried.includes(answers[i] ?? {})
              ? [(o as { method: string }).method]
              : [],
          );
          const seen = service.asked.filter(({ id: at }) => at === person).map(({ method }) => method);
          expect(seen).toEqual(wanted);
        }
        expect(JSON.stringify(service.asked.map(({ data, id: at }) => [data, at]))).not.toMatch(
          /bulkId:[abc]/,
        );
      }),
    );
  });
});
