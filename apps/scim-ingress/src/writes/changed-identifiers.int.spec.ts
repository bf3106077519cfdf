import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  FIELD_PATHS,
  canonicalJson,
  readLoggedEvent,
  type EncryptedField,
  type SeverEvent,
} from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import { USER_SCHEMA_ID } from '@sever/scim';
import { startIngress, type RunningIngress } from '../testing/running-ingress.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
type Told = { identifiers?: EncryptedField; attributes?: string[] };

describe('a write that leaves or returns with other identifiers', () => {
  let ingress: RunningIngress;
  const tokens = new Map<string, string>();
  let made = 0;
  beforeAll(async () => {
    ingress = await startIngress();
    for (const id of ['hr', 'it']) tokens.set(id, (await ingress.connect(id)).token);
  });
  afterAll(() => ingress?.close());

  async function send(by: string, method: string, path: string, body?: object): Promise<string> {
    const answer = await ingress.ask(method, `/scim/v2/${by}/Users${path}`, {
      ...{ token: tokens.get(by) ?? '', ...(body && { body }) },
    });
    expect(answer.status).toBeLessThan(300);
    return String(answer.json.id);
  }
  const create = (by: string, userName: string, externalId: string): Promise<string> =>
    send(by, 'POST', '', { schemas: [USER_SCHEMA_ID], userName, externalId, active: true });
  const change = (by: string, id: string, value: Record<string, unknown>): Promise<string> =>
    send(by, 'PATCH', `/${id}`, {
      schemas: [PATCH],
      Operations: Object.entries(value).map(([path, to]) => ({ op: 'replace', path, value: to })),
    });
  const fresh = (): string => `p${(made += 1)}`;

  async function lastEvent(id: string): Promise<SeverEvent & { data: Told }> {
    const found = await rows<{ value: Buffer }>(
      ingress.db.owner,
      `select l.value from log_record l join scim_resource r on l.key = r.tenant || ':' || r.subject where r.id = $1 order by l."offset" desc limit 1`,
      [id],
    );
    if (!found[0]) throw new Error('there is no event');
    expect(found[0].value.toString()).not.toContain('.example');
    return readLoggedEvent(found[0].value);
  }
  /** The newest event of the person: its type, the identifiers that it tells, and the attributes. */
  async function told(id: string): Promise<[string, unknown, string[] | undefined]> {
    const event = await lastEvent(id);
    const { identifiers, attributes } = event.data;
    const text = identifiers && (await ingress.decrypt(event, FIELD_PATHS.identifiers, identifiers));
    return [event.type.split('.')[2] ?? '', text && JSON.parse(text), attributes?.toSorted()];
  }
  /** The read model knows the identifiers of the newest event. */
  async function expectProjected(id: string): Promise<void> {
    const { identifiers } = (await lastEvent(id)).data;
    await ingress.project();
    const [row] = await rows<{ digest: string }>(
      ingress.db.owner,
      `select s.identifiers_digest as digest from rm_subject s join scim_resource r on r.tenant = s.tenant and r.subject = s.subject where r.id = $1`,
      [id],
    );
    expect(row?.digest).toBe(createHash('sha256').update(canonicalJson(identifiers)).digest('hex'));
  }

  it('tells them with a restore by PATCH', async () => {
    const [name, ext] = [fresh(), fresh()];
    const id = await create('hr', `${name}@a.example`, ext);
    await change('hr', id, { active: false });
    await change('hr', id, { active: true, userName: `${name}.new@a.example`, title: 'captain' });
    expect(await told(id)).toEqual([
      'restore-requested',
      { userName: `${name}.new@a.example`, externalId: ext },
      ['active', 'title', 'userName'],
    ]);
    await expectProjected(id);
  });

  it('tells them with a rehire by POST', async () => {
    const [name, ext] = [fresh(), fresh()];
    const id = await create('hr', `${name}@a.example`, ext);
    await change('hr', id, { active: false });
    expect(await create('hr', `${name}.married@a.example`, ext)).toBe(id);
    expect(await told(id)).toEqual([
      'restore-requested',
      { userName: `${name}.married@a.example`, externalId: ext },
      ['active', 'userName'],
    ]);
    await expectProjected(id);
  });

  it('tells them with a restore that is refused, because another connection still asks', async () => {
    const [name, ext] = [fresh(), fresh()];
    const id = await create('hr', `${name}@a.example`, ext);
    const other = await create('it', `${name}@a.example`, ext);
    await change('hr', id, { active: false });
    await change('it', other, { active: false });
    await change('hr', id, { active: true, externalId: `${ext}-2` });
    expect(await told(id)).toEqual([
      'restore-refused',
      { userName: `${name}@a.example`, externalId: `${ext}-2` },
      ['active', 'externalId'],
    ]);
    await expectProjected(id);
  });

  it('tells them with a repetition', async () => {
    const [name, ext] = [fresh(), fresh()];
    const id = await create('hr', `${name}@a.example`, ext);
    const other = await create('it', `${name}@a.example`, ext);
    await change('hr', id, { active: false });
    await change('it', other, { active: false, userName: `${name}.gone@a.example` });
    expect(await told(id)).toEqual([
      'repeated',
      { userName: `${name}.gone@a.example`, externalId: ext },
      ['active', 'userName'],
    ]);
    await expectProjected(id);
  });

  it('tells them with a return after the purge', async () => {
    const [name, ext] = [fresh(), fresh()];
    const id = await create('hr', `${name}@a.example`, ext);
    await change('hr', id, { active: false });
    await ingress.db.owner.query(
      `update standing_opt_out s set phase = 'purged' from scim_resource r where r.id = $1 and s.subject = r.subject`,
      [id],
    );
    await change('hr', id, { active: true, userName: `${name}.back@a.example` });
    expect(await told(id)).toEqual([
      'rehired-after-purge',
      { userName: `${name}.back@a.example`, externalId: ext },
      ['active', 'userName'],
    ]);
    await expectProjected(id);
  });

  it('tells them with the opt-out itself', async () => {
    const [name, ext] = [fresh(), fresh()];
    const id = await create('hr', `${name}@a.example`, ext);
    await change('hr', id, { active: false, userName: `${name}.left@a.example` });
    expect(await told(id)).toEqual([
      'requested',
      { userName: `${name}.left@a.example`, externalId: ext, formerUserName: `${name}@a.example` },
      ['active', 'userName'],
    ]);
    await expectProjected(id);
  });

  it('says nothing of identifiers that stay', async () => {
    const [name, ext] = [fresh(), fresh()];
    const id = await create('hr', `${name}@a.example`, ext);
    await change('hr', id, { active: false, title: 'captain' });
    expect((await told(id))[2]).toBeUndefined();
    await change('hr', id, { active: true, title: 'cook' });
    expect(await told(id)).toEqual(['restore-requested', undefined, undefined]);
  });
});
