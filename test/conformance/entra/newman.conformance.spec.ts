import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startPipeline, type Pipeline } from '../../harness/pipeline.js';
import { freshConnection } from '../fresh-connection.js';
import { API, openCollectionDoor } from './collection-door.js';
import { EXCEPTIONS, judged } from './exceptions.js';
import { runCollection, type Assertion } from './newman.js';

jest.setTimeout(300_000);

/** Path of PostmanCollection.json of AzureAD/SCIMReferenceCode; the file is not ours to keep. */
const ORIGINAL = process.env.SEVER_ENTRA_COLLECTION;
/** Of the file at commit d445ef901981fef684a220fe8cf6c97b588600fd. */
const ORIGINAL_SHA256 = '36ee6b9fb355cd6d438b7012ce266c05496caf494db4cb2a2be832f91fa56ccf';
const ASSERTIONS = 108;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline(['--hold', 'never']);
});
afterAll(() => pipeline?.dispose());

async function run(collection: string): Promise<Assertion[]> {
  const connection = await freshConnection(pipeline, 'entra');
  const door = await openCollectionDoor(connection);
  try {
    const variables = { Protocol: 'http', Server: '127.0.0.1', Port: `:${door.port}`, Api: API };
    return await runCollection(collection, variables, connection.token);
  } finally {
    await door.close();
  }
}

const requestOf = (name: string, method: string, address: string, test: string[], body?: object) => ({
  name,
  event: [{ listen: 'test', script: { type: 'text/javascript', exec: test } }],
  request: {
    method,
    url: `{{Protocol}}://{{Server}}{{Port}}/{{Api}}${address}`,
    header: [
      { key: 'authorization', value: 'Bearer {{token}}' },
      { key: 'content-type', value: 'application/scim+json' },
    ],
    ...(body && { body: { mode: 'raw', raw: JSON.stringify(body) } }),
  },
});
const expectStatus = (status: number): string =>
  `pm.test('answers ${status}', () => pm.response.to.have.status(${status}));`;

describe('a Postman collection', () => {
  let folder: string;
  let found: Assertion[];
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-collection-'));
    const file = path.join(folder, 'small.json');
    const user = {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'one@x.example',
      active: 'True',
    };
    writeFileSync(
      file,
      JSON.stringify({
        info: {
          name: 'small',
          schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
        },
        item: [
          requestOf('token', 'GET', '/Token', [
            "pm.globals.set('token', pm.response.json().token);",
            expectStatus(200),
          ]),
          requestOf('config', 'GET', '/serviceConfiguration', [expectStatus(200)]),
          requestOf('nobody', 'GET', '/users', [
            "pm.test('is empty', () => pm.expect(pm.response.json().Resources).to.eql([]));",
          ]),
          requestOf('create', 'POST', '/Users', [expectStatus(201)], user),
          requestOf('again', 'POST', '/Users', [expectStatus(201)], user),
        ],
      }),
    );
    found = await run(file);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('runs against the connection, and each assertion is found with its outcome', () => {
    expect(found.map(({ request, assertion, error }) => [request, assertion, error === undefined])).toEqual([
      ['token', 'answers 200', true],
      ['config', 'answers 200', true],
      ['nobody', 'is empty', true],
      ['create', 'answers 201', true],
      ['again', 'answers 201', false],
    ]);
  });

  it('fails for an assertion that nobody excepted, and for an exception that is none', () => {
    const again = { request: 'again', assertion: 'answers 201', reason: 'the name is taken' };
    const create = { ...again, request: 'create' };
    const gone = { ...again, request: 'gone' };
    expect(judged(found, [again])).toEqual({ failed: [], needless: [] });
    expect(judged(found, []).failed).toEqual([expect.stringMatching(/^again: answers 201: .*409/)]);
    expect(judged(found, [again, create, gone]).needless).toEqual([
      'create: answers 201 is listed and did not fail',
      'gone: answers 201 is listed and did not fail',
    ]);
  });
});

if (ORIGINAL !== undefined)
  describe("Microsoft's collection", () => {
    it('is met but for what is listed', async () => {
      expect(createHash('sha256').update(readFileSync(ORIGINAL)).digest('hex')).toBe(ORIGINAL_SHA256);
      const found = await run(ORIGINAL);
      expect(judged(found, EXCEPTIONS)).toEqual({ failed: [], needless: [] });
      expect(found.length).toBeGreaterThanOrEqual(ASSERTIONS);
    });
  });
