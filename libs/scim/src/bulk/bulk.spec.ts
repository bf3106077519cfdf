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
  readonly carryOut = async (operation: BulkOperation): Promise<BulkDone> => {
    this.asked.push(operation);
    await new Promise(resolve => setImmediate(resolve));
    if (JSON.stringify(operation.data).includes('refuse')) throw new ScimError(409, 'refused', 'uniqueness');
    const id = operation.id ?? `id-${operation.bulkId}`;
    const status = operation.method === 'POST' ? 201 : operation.method === 'DELETE' ? 204 : 200;
    return { status, id, location: `${BASE}/${operation.endpoint}/${id}` };
  };

  async answers(request: Json): Promise<JsonObject[]> {
    const response = await runBulk(parseBulk(request, ['Users', 'Groups']), BASE, this.carryOut);
    return response.Operations as JsonObject[];
  }
}

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

  it('is refused in part when operations refer to each other in a circle, to nothing, or to what failed', async () => {
    const service = new Service();
    const answers = await service.answers(
      bulk([
        post('a', { x: 'bulkId:b' }),
        post('b', { x: 'bulkId:a' }),
        post('c', { x: 'bulkId:c' }),
        post('d', { x: 'bulkId:nowhere' }),
        post('e', { x: 'refuse' }),
        post('f', { x: 'bulkId:e' }),
        post('g'),
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual(['409', '409', '409', '400', '409', '409', '201']);
    expect(service.asked.map(({ bulkId }) => bulkId)).toEqual(['e', 'g']);
    expect(answers[3]?.response).toMatchObject({ status: '400', scimType: 'invalidValue' });
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
    const [answer] = await new Service().answers(
      bulk([{ method: 'PUT', path: '/Users/7', data: { x: 'refuse' } }]),
    );
    expect(answer).toMatchObject({ method: 'PUT', location: `${BASE}/Users/7`, status: '409' });
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
        .map(({ bulkId, x }) => post(bulkId, { x })),
      fc
        .record({ method: fc.constantFrom('PUT', 'PATCH'), id, x: reference })
        .map(({ method, id: of, x }) => ({
          method,
          path: `/Users/${of}`,
          data: { x },
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
