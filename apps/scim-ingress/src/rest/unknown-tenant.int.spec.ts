import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startIngress, type RunningIngress } from '../testing/running-ingress.js';

/** Nothing waits, nobody opted out, no connection: told of a name that was mistyped, each of them is believed. */
describe('a tenant that is not there', () => {
  let ingress: RunningIngress;
  beforeAll(async () => {
    ingress = await startIngress();
    await ingress.connect('entra', 'acme');
    await ingress.connect('other', 'globex');
  });
  afterAll(() => ingress?.close());

  const ask = async (method: string, path: string, body?: unknown): Promise<unknown[]> => {
    const { status, json } = await ingress.ask(method, path, {
      token: ingress.apiToken,
      ...(body !== undefined && { body }),
    });
    return [status, json.code];
  };

  it.each([
    '/v1/governor?tenant=acmee',
    '/v1/opt-outs?tenant=acmee',
    '/v1/opt-outs?tenant=acmee&userName=ada',
    '/v1/connections?tenant=acmee',
    '/v1/subjects/opted-out?tenant=acmee&userName=ada',
    '/v1/subjects/timeline?tenant=acmee&userName=ada',
  ])('is said to be unknown by GET %s', async path => {
    expect(await ask('GET', path)).toEqual([404, 'tenant.unknown']);
    const [status] = await ask('GET', path.replace('acmee', 'acme'));
    expect(status).toBe(path.includes('timeline') ? 404 : 200);
  });

  it.each(['approve', 'reject'])(
    'is said to be unknown when all of it is to be decided: %s',
    async verdict => {
      const path = `/v1/staged-opt-outs/${verdict}`;
      expect(await ask('POST', path, { tenant: 'acmee', reason: 'checked' })).toEqual([
        404,
        'tenant.unknown',
      ]);
      for (const connection of ['entraa', 'other'])
        expect(await ask('POST', path, { tenant: 'acme', connection, reason: 'checked' })).toEqual([
          404,
          'connection.unknown',
        ]);
      const [status] = await ask('POST', path, { tenant: 'acme', connection: 'entra', reason: 'checked' });
      expect(status).toBe(200);
    },
  );
});
