import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { FIELD_PATHS, readLoggedEvent, type EncryptedField } from '@sever/event-contracts';
import { otherLiveSubject } from '@sever/directory';
import { oneRow } from '@sever/postgres';
import { USER_SCHEMA_ID } from '@sever/scim';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/**
 * Microsoft Entra frees the name of somebody who is deleted: it writes the object id before it, and sends that with `active` false. The systems know
 * the person by the name of before.
 */
describe('somebody who is renamed on the way out', () => {
  let ingress: RunningIngress;
  const tokens = new Map<string, string>();
  beforeAll(async () => {
    ingress = await startIngress();
    for (const id of ['entra', 'hr']) tokens.set(id, (await ingress.connect(id)).token);
  });
  afterAll(() => ingress?.close());

  const send = async (by: string, method: string, path: string, body?: object): Promise<Answer> => {
    const token = tokens.get(by) ?? '';
    const answer = await ingress.ask(method, `/scim/v2/${by}/Users${path}`, { token, ...(body && { body }) });
    expect(answer.status).toBeLessThan(300);
    return answer;
  };
  const create = async (userName: string, by = 'entra'): Promise<string> =>
    String((await send(by, 'POST', '', { schemas: [USER_SCHEMA_ID], userName, active: true })).json.id);
  const change = (id: string, values: Readonly<Record<string, unknown>>): Promise<Answer> =>
    send('entra', 'PATCH', `/${id}`, {
      schemas: [PATCH],
      Operations: Object.entries(values).map(([path, value]) => ({ op: 'replace', path, value })),
    });
  const named = (): { name: string; tombstone: string } => {
    const name = `${randomUUID().slice(0, 8)}@a.example`;
    return { name, tombstone: `${randomUUID().replaceAll('-', '')}${name}` };
  };
  /** By what connectors are to look for the person. */
  async function searched(id: string): Promise<unknown> {
    const row = await oneRow<{ value: Buffer }>(
      ingress.db.owner,
      `select l.value from log_record l join scim_resource r on l.key = r.tenant || ':' || r.subject
        where r.id = $1 and l.type = 'sever.optout.requested.v1'`,
      [id],
    );
    const event = readLoggedEvent(row!.value);
    const { identifiers } = event.data as { identifiers: EncryptedField };
    return JSON.parse((await ingress.decrypt(event, FIELD_PATHS.identifiers, identifiers)) ?? '');
  }
  const isOptedOut = async (userName: string): Promise<unknown> => {
    const query = new URLSearchParams({ tenant: 'acme', userName });
    return (await ingress.ask('GET', `/v1/subjects/opted-out?${query}`, { token: ingress.apiToken })).json
      .optedOut;
  };
  const renamedLongAgo = (id: string): Promise<unknown> =>
    ingress.db.owner.query(`update scim_resource set renamed_at = now() - interval '31 days' where id = $1`, [
      id,
    ]);

  it.each([
    ['renamed and switched off', (userName: string) => ({ userName, active: false })],
    ['switched off and renamed', (userName: string) => ({ active: false, userName })],
  ])('is looked for by both names when %s by one request, and denied by both', async (_how, values) => {
    const { name, tombstone } = named();
    const id = await create(name);
    await change(id, values(tombstone));
    expect(await searched(id)).toEqual({ userName: tombstone, formerUserName: name });
    expect([await isOptedOut(name), await isOptedOut(tombstone)]).toEqual([true, true]);
    await ingress.project();
    for (const userName of [name, tombstone]) {
      const query = new URLSearchParams({ tenant: 'acme', userName });
      const found = await ingress.ask('GET', `/v1/opt-outs?${query}`, { token: ingress.apiToken });
      expect(found.json.items).toHaveLength(1);
    }
  });

  it('is looked for by both names when the rename came first', async () => {
    const { name, tombstone } = named();
    const id = await create(name);
    await change(id, { userName: tombstone });
    await change(id, { active: false });
    expect(await searched(id)).toEqual({ userName: tombstone, formerUserName: name });
  });

  it('is looked for by both names when the rename came first and the resource is deleted, or the person is named at the REST door', async () => {
    const [one, other] = [named(), named()];
    const [deleted, asked] = [await create(one.name), await create(other.name)];
    await change(deleted, { userName: one.tombstone });
    await change(asked, { userName: other.tombstone });
    await send('entra', 'DELETE', `/${deleted}`);
    const body = { tenant: 'acme', userName: other.tombstone };
    expect((await ingress.ask('POST', '/v1/opt-outs', { token: ingress.apiToken, body })).status).toBe(202);
    expect(await searched(deleted)).toEqual({ userName: one.tombstone, formerUserName: one.name });
    expect(await searched(asked)).toEqual({ userName: other.tombstone, formerUserName: other.name });
  });

  it('stays denied by the name of before when the rename comes afterwards', async () => {
    const { name, tombstone } = named();
    const id = await create(name);
    await change(id, { active: false });
    await change(id, { userName: tombstone });
    expect([await isOptedOut(name), await isOptedOut(tombstone)]).toEqual([true, true]);
  });

  it('is not looked for by a name that somebody else has now, or that was given up long ago', async () => {
    const [given, old] = [named(), named()];
    const [id, longAgo] = [await create(given.name), await create(old.name)];
    await change(id, { userName: given.tombstone });
    await create(given.name, 'hr');
    await change(id, { active: false });
    expect(await searched(id)).toEqual({ userName: given.tombstone });
    expect(await isOptedOut(given.name)).toBe(false);
    await change(longAgo, { userName: old.tombstone });
    await renamedLongAgo(longAgo);
    await change(longAgo, { active: false });
    expect(await searched(longAgo)).toEqual({ userName: old.tombstone });
  });

  it('keeps the account from being deleted when somebody else gets the name of before', async () => {
    const { name, tombstone } = named();
    const id = await create(name);
    await change(id, { userName: tombstone, active: false });
    const of = (resource: string) =>
      oneRow<{ subject: string }>(ingress.db.owner, 'select subject from scim_resource where id = $1', [
        resource,
      ]);
    const leaver = (await of(id))!.subject;
    expect(await otherLiveSubject(ingress.db.owner, 'acme', leaver)).toBeUndefined();
    const next = (await of(await create(name)))!.subject;
    expect(await otherLiveSubject(ingress.db.owner, 'acme', leaver)).toBe(next);
  });
});
