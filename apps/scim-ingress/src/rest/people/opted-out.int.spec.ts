import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { startIngress, type RunningIngress } from '../../testing/running-ingress.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** What a sign-on or an invitation asks before it lets somebody in. */
describe('whether somebody has opted out', () => {
  let ingress: RunningIngress;
  let token: string;
  beforeAll(async () => {
    ingress = await startIngress();
    token = (await ingress.connect('asked')).token;
    await ingress.connect('elsewhere', 'globex');
  });
  afterAll(() => ingress?.close());

  const scim = (method: string, path: string, body?: unknown) =>
    ingress.ask(method, `/scim/v2/asked/Users${path}`, { token, ...(body !== undefined && { body }) });
  const setActive = (id: string, value: boolean) =>
    scim('PATCH', `/${id}`, { schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value }] });
  const arrived = async (): Promise<{ id: string; userName: string }> => {
    const userName = `${randomUUID()}@x.example`;
    const { json } = await scim('POST', '', { schemas: [USER], userName, active: true });
    return { id: String(json.id), userName };
  };
  const asked = async (userName: string, tenant = 'acme'): Promise<unknown> => {
    const query = new URLSearchParams({ tenant, userName });
    const answer = await ingress.ask('GET', `/v1/subjects/opted-out?${query}`, { token: ingress.apiToken });
    expect(answer.status).toBe(200);
    return answer.json;
  };
  const NO = { optedOut: false, since: null };
  const YES = { optedOut: true, since: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) };

  it('is told of nobody who is here, and of nobody unknown', async () => {
    expect(await asked((await arrived()).userName)).toEqual(NO);
    expect(await asked('nobody@x.example')).toEqual(NO);
  });

  it.each([
    ['is disabled', (id: string) => setActive(id, false)],
    ['is deleted', (id: string) => scim('DELETE', `/${id}`)],
  ])('is true from the answer on when somebody %s, in any spelling, in this tenant', async (_how, leave) => {
    const { id, userName } = await arrived();
    expect((await leave(id)).status).toBeLessThan(300);
    expect(await asked(userName)).toEqual(YES);
    expect(await asked(userName.toUpperCase())).toEqual(YES);
    expect(await asked(userName, 'globex')).toEqual(NO);
  });

  it('stays true while a late enabling of somebody who was deleted is refused', async () => {
    const { id, userName } = await arrived();
    await scim('DELETE', `/${id}`);
    expect((await setActive(id, true)).status).toBe(404);
    expect(await asked(userName)).toEqual(YES);
  });

  it('is about the person and not the name: somebody new who is active under it is let in', async () => {
    const { id, userName } = await arrived();
    await scim('DELETE', `/${id}`);
    await scim('POST', '', { schemas: [USER], userName, active: true });
    expect(await asked(userName)).toEqual(NO);
  });

  it('is not answered for a tenant that is not there: a mistyped name would let everybody in', async () => {
    const query = new URLSearchParams({ tenant: 'acmee', userName: (await arrived()).userName });
    const answer = await ingress.ask('GET', `/v1/subjects/opted-out?${query}`, { token: ingress.apiToken });
    expect([answer.status, answer.json.code]).toEqual([404, 'tenant.unknown']);
  });

  it('is told to nobody without a token of the REST door', async () => {
    const query = 'tenant=acme&userName=x';
    expect((await ingress.ask('GET', `/v1/subjects/opted-out?${query}`, { token })).status).toBe(401);
  });
});
