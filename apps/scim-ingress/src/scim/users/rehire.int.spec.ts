import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readLoggedEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import { Provider } from '../../testing/provider.js';
import { startIngress, type RunningIngress } from '../../testing/running-ingress.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(() => ingress?.close());

const subjectOf = async (id: string): Promise<string | undefined> =>
  (
    await rows<{ subject: string }>(ingress.db.owner, 'select subject from scim_resource where id = $1', [id])
  )[0]?.subject;

describe('who comes back with the same externalId', () => {
  it('gets the old id, and what was asked is given back', async () => {
    const okta = await Provider.connected(ingress);
    const id = await okta.leaver('ann@a.example', 'e1');
    const again = await okta.create('ann@a.example', 'e1', { displayName: 'Ann' });
    expect([again.status, again.json.id, again.json.active]).toEqual([201, id, true]);
    expect(again.headers.get('location')).toBe(`${ingress.baseUrl}/scim/v2/${okta.id}/Users/${id}`);
    expect((await okta.told()).map(e => e.type)).toEqual([
      'sever.subject.registered.v1',
      'sever.optout.requested.v1',
      'sever.optout.restore-requested.v1',
    ]);
  });

  it('may have another name meanwhile', async () => {
    const okta = await Provider.connected(ingress);
    const id = await okta.leaver('bea@a.example', 'e1');
    const again = await okta.create('bea.married@a.example', 'e1');
    expect([again.status, again.json.id, again.json.userName]).toEqual([201, id, 'bea.married@a.example']);
  });

  it('is known by the exact externalId only', async () => {
    const okta = await Provider.connected(ingress);
    const id = await okta.leaver('cara@a.example', 'AbC');
    expect(await okta.created('cara2@a.example', 'abc')).not.toBe(id);
  });

  it.each(['', ' '])('is somebody new where the externalId says nothing: "%s"', async nothing => {
    const okta = await Provider.connected(ingress);
    const leaver = await okta.leaver('lea@a.example', nothing);
    const other = await okta.create('leo@a.example', nothing);
    expect([other.status, other.json.externalId]).toEqual([201, nothing]);
    expect(other.json.id).not.toBe(leaver);
    expect(await okta.created('lea@a.example', nothing)).not.toBe(leaver);
    const subjects = await Promise.all([leaver, String(other.json.id)].map(subjectOf));
    expect(new Set(subjects).size).toBe(2);
  });

  it('is somebody new where several have it', async () => {
    const entra = await Provider.connected(ingress);
    const leaver = await entra.leaver('dan@a.example', 'shared');
    await entra.created('dora@a.example', 'shared2');
    const active = await entra.created('dirk@a.example', 'other');
    await entra.change(active, { op: 'replace', path: 'externalId', value: 'shared' });
    expect(await entra.created('dana@a.example', 'shared')).not.toBe(leaver);
    expect((await entra.get(leaver)).json.active).toBe(false);
  });

  it('is refused when the name is of somebody active, and nothing changes', async () => {
    const okta = await Provider.connected(ingress);
    const leaver = await okta.leaver('eve@a.example', 'e1');
    await okta.created('adam@a.example', 'e2');
    const before = await okta.told();
    const refused = await okta.create('ADAM@a.example', 'e1');
    expect([refused.status, refused.json.scimType]).toEqual([409, 'uniqueness']);
    expect((await okta.get(leaver)).json.active).toBe(false);
    expect(await okta.told()).toEqual(before);
  });

  it('stays inactive, without an event, when a connection only repeats that', async () => {
    const okta = await Provider.connected(ingress);
    const id = await okta.created('fay@a.example', 'e1', { active: false });
    const before = await okta.told();
    expect(await okta.created('fay@a.example', 'e1', { active: false })).toBe(id);
    expect(await okta.told()).toEqual(before);
  });

  it('is somebody new after a DELETE', async () => {
    const okta = await Provider.connected(ingress);
    const id = await okta.created('gus@a.example', 'e1');
    await okta.remove(id);
    const next = await okta.created('gus@a.example', 'e1');
    expect(next).not.toBe(id);
    expect(await subjectOf(next)).not.toBe(await subjectOf(id));
    expect((await okta.setActive(id, true)).status).toBe(404);
  });

  it('is somebody new in another connection and in another tenant', async () => {
    const okta = await Provider.connected(ingress);
    const id = await okta.leaver('hal@a.example', 'e1');
    const same = await Provider.connected(ingress);
    const other = await Provider.connected(ingress, undefined, 'globex');
    expect(await same.created('hal2@a.example', 'e1')).not.toBe(id);
    const there = await other.created('hal@a.example', 'e1');
    expect(there).not.toBe(id);
    expect(await subjectOf(there)).not.toBe(await subjectOf(id));
  });
});

describe('who gets the name of somebody who left', () => {
  it.each([
    ['another externalId', 'e1', 'e2'],
    ['no externalId', 'e1', undefined],
    ['an externalId where the leaver had none', undefined, 'e2'],
    ['none on both sides', undefined, undefined],
  ])('with %s is somebody new and inherits nothing', async (_, before, after) => {
    const okta = await Provider.connected(ingress);
    const name = `ida-${randomUUID()}@a.example`;
    const old = await okta.leaver(name, before);
    const id = await okta.created(name, after);
    expect(id).not.toBe(old);
    expect(await subjectOf(id)).not.toBe(await subjectOf(old));
    expect((await okta.get(old)).json).toMatchObject({ active: false, userName: name });
    const told = await okta.told();
    expect(told.at(-1)?.subject === (await subjectOf(old))).toBe(false);
    expect(told.filter(e => e.type.startsWith('sever.optout.restore'))).toEqual([]);
  });

  it('keeps it while the leaver wants it back', async () => {
    const okta = await Provider.connected(ingress);
    const old = await okta.leaver('jan@a.example', 'e1');
    const holder = await okta.created('jan@a.example', 'e2');
    expect((await okta.setActive(old, true)).status).toBe(409);
    expect((await okta.get(old)).json.active).toBe(false);
    await okta.change(holder, { op: 'replace', path: 'userName', value: 'jan2@a.example' });
    expect((await okta.setActive(old, true)).status).toBe(200);
    expect((await okta.create('jan@a.example', 'e3')).status).toBe(409);
  });

  it('gives it to the leaver whose externalId comes back after both have left', async () => {
    const okta = await Provider.connected(ingress);
    const first = await okta.leaver('kim@a.example', 'e1');
    const second = await okta.leaver('kim@a.example', 'e2');
    expect(await okta.created('kim@a.example', 'e1')).toBe(first);
    expect((await okta.get(second)).json.active).toBe(false);
    expect((await okta.setActive(second, true)).status).toBe(409);
  });

  it('may go on being changed without the name', async () => {
    const okta = await Provider.connected(ingress);
    const old = await okta.leaver('lea@a.example', 'e1');
    await okta.created('lea@a.example', 'e2');
    const changed = await okta.change(old, { op: 'replace', path: 'displayName', value: 'Lea' });
    expect([changed.status, changed.json.displayName]).toEqual([200, 'Lea']);
    expect((await okta.remove(old)).status).toBe(204);
  });
});

describe('rebind=never', () => {
  it('makes everybody new, also with the same name and externalId', async () => {
    const strict = await Provider.connected(ingress, 'never');
    const old = await strict.leaver('mia@a.example', 'e1');
    const id = await strict.created('mia@a.example', 'e1');
    expect(id).not.toBe(old);
    expect(await subjectOf(id)).not.toBe(await subjectOf(old));
  });

  it('lets a change of the leaver itself restore as ever', async () => {
    const strict = await Provider.connected(ingress, 'never');
    const old = await strict.leaver('mo@a.example', 'e1');
    expect((await strict.setActive(old, true)).json.active).toBe(true);
  });
});

describe('rebind=manual', () => {
  it('answers 409 until somebody decides, and counts how often it was asked', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    const old = await okta.leaver('nan@a.example', 'e1');
    const before = await okta.told();
    for (let i = 0; i < 3; i += 1) {
      const refused = await okta.create('NAN@a.example', 'e2');
      expect([refused.status, refused.json.scimType]).toEqual([409, 'uniqueness']);
      expect(refused.json.detail).toContain('operator');
    }
    expect(await okta.told()).toEqual(before);
    expect(await okta.cases()).toEqual([
      {
        ...{
          id: expect.any(String),
          resource: old,
          subject: await subjectOf(old),
          userName: 'nan@a.example',
        },
        ...{ storedExternalId: 'e1', externalId: 'e2', requests: 3 },
        ...{ firstSeen: expect.any(String), lastSeen: expect.any(String) },
        ...{ decision: null, decidedBy: null, decidedAt: null, reason: null },
      },
    ]);
  });

  it('gives the same person everything back, once', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    const old = await okta.leaver('ole@a.example', 'e1');
    await okta.create('ole@a.example', 'e2');
    const [one] = await okta.cases();
    const decided = await okta.decide(one?.id, 'same-person');
    expect([decided.status, decided.json]).toMatchObject([
      200,
      { decision: 'same-person', decidedBy: 'operator', reason: 'asked the manager' },
    ]);
    const again = await okta.create('ole@a.example', 'e2');
    expect([again.status, again.json.id, again.json.externalId]).toEqual([201, old, 'e2']);
    expect((await okta.told()).at(-1)).toEqual({
      type: 'sever.optout.restore-requested.v1',
      subject: await subjectOf(old),
    });
    expect(await okta.cases()).toEqual([]);
    await okta.setActive(old, false);
    expect((await okta.create('ole@a.example', 'e3')).status).toBe(409);
    expect((await okta.cases()).map(c => [c.externalId, c.decision])).toEqual([['e3', null]]);
  });

  it('gives another person the name and nothing else', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    const old = await okta.leaver('pia@a.example');
    await okta.create('pia@a.example');
    const [one] = await okta.cases();
    await okta.decide(one?.id, 'same-person');
    await okta.decide(one?.id, 'another-person', 'a new hire');
    const id = await okta.created('pia@a.example');
    expect(id).not.toBe(old);
    expect(await subjectOf(id)).not.toBe(await subjectOf(old));
    expect(await okta.cases()).toEqual([]);
  });

  it('decides for the externalId that was asked about and for no other', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    await okta.leaver('quin@a.example', 'e1');
    await okta.create('quin@a.example', 'e2');
    await okta.decide((await okta.cases())[0]?.id, 'same-person');
    expect((await okta.create('quin@a.example', 'e3')).status).toBe(409);
    expect((await okta.create('quin@a.example')).status).toBe(409);
    expect(await okta.cases()).toHaveLength(3);
  });

  it('needs nobody where the externalId says it', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    const old = await okta.leaver('rob@a.example', 'e1');
    expect(await okta.created('rob@a.example', 'e1')).toBe(old);
    expect(await okta.cases()).toEqual([]);
  });

  it('asks no more when the leaver is gone, is back or has another name', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    const leavers = [];
    for (const n of ['s1', 's2', 's3']) {
      leavers.push(await okta.leaver(`${n}@a.example`, n));
      await okta.create(`${n}@a.example`, `${n}-new`);
    }
    expect(await okta.cases()).toHaveLength(3);
    const [gone, back, renamed] = leavers as [string, string, string];
    await okta.remove(gone);
    await okta.setActive(back, true);
    await okta.change(renamed, { op: 'replace', path: 'userName', value: 's4@a.example' });
    expect(await okta.cases()).toEqual([]);
    expect((await okta.create('s1@a.example', 's1-new')).status).toBe(201);
    expect((await okta.create('s3@a.example', 's3-new')).status).toBe(201);
  });

  it('is one question when two requests ask it at once', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    await okta.leaver('tim@a.example', 'e1');
    const answers = await Promise.all(Array.from({ length: 8 }, () => okta.create('tim@a.example', 'e2')));
    expect(answers.map(a => a.status)).toEqual(Array.from({ length: 8 }, () => 409));
    expect((await okta.cases()).map(c => c.requests)).toEqual([8]);
    await okta.decide((await okta.cases())[0]?.id, 'another-person');
    const decided = await Promise.all(Array.from({ length: 8 }, () => okta.create('tim@a.example', 'e2')));
    expect(decided.map(a => a.status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });

  it('takes names and ids of any length', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    const long = 'x'.repeat(1_500);
    await okta.leaver('uma@a.example', 'e1');
    expect((await okta.create('uma@a.example', long)).status).toBe(409);
    expect((await okta.cases()).map(c => c.externalId)).toEqual([long]);
  });

  it('holds for the users of a Bulk request too', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    await okta.leaver('vic@a.example', 'e1');
    const data = { schemas: [USER], userName: 'vic@a.example', externalId: 'e2', active: true };
    const answer = await ingress.ask('POST', `/scim/v2/${okta.id}/Bulk`, {
      token: okta.token,
      body: {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
        Operations: [{ method: 'POST', path: '/Users', bulkId: 'b', data }],
      },
    });
    expect((answer.json.Operations as { status: string }[])[0]?.status).toBe('409');
    expect(await okta.cases()).toHaveLength(1);
  });
});

describe('the operator’s side', () => {
  it('is told which policy a connection has, from its making on', async () => {
    const made = { tenant: 'acme', dialect: 'okta', id: 'with-policy', rebind: 'manual' };
    expect((await ingress.operate('POST', '', made)).status).toBe(201);
    expect((await ingress.operate('GET', '/with-policy')).json.rebind).toBe('manual');
    const plain = await Provider.connected(ingress);
    expect((await ingress.operate('GET', `/${plain.id}`)).json.rebind).toBe('externalId');
  });

  it('stands in the log, without reasons', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    const old = await okta.leaver('wim@a.example', 'e1');
    await okta.create('wim@a.example', 'e2');
    await okta.decide((await okta.cases())[0]?.id, 'same-person', 'told to nobody');
    const found = await rows<{ value: Buffer }>(
      ingress.db.owner,
      `select value from log_record where type like 'sever.connection.%' order by ts`,
    );
    const told = found
      .map(({ value }) => readLoggedEvent(value))
      .filter(({ data }) => 'connection' in data && data.connection === okta.id);
    expect(told.map(({ type, data }) => [type, data])).toMatchObject([
      ['sever.connection.changed.v1', { rebind: 'manual', actor: { kind: 'operator', id: 'operator' } }],
      ['sever.connection.rebind-decided.v1', { resource: old, decision: 'same-person' }],
    ]);
    expect(JSON.stringify(told)).not.toMatch(/told to nobody|wim@/);
  });

  it.each([
    ['PATCH', '', { rebind: 'always' }, 400, 'request.invalid'],
    ['PATCH', '', {}, 400, 'request.invalid'],
    ['PUT', `/rebinds/${randomUUID()}`, { decision: 'same-person', reason: 'r' }, 404, 'rebind-case.unknown'],
    ['PUT', '/rebinds/x', { decision: 'same-person', reason: 'r' }, 404, 'rebind-case.unknown'],
    ['PUT', '/rebinds/x', { decision: 'perhaps', reason: 'r' }, 400, 'request.invalid'],
    ['PUT', '/rebinds/x', { decision: 'same-person' }, 400, 'request.invalid'],
  ])('%s %s with %j is refused', async (method, path, body, status, code) => {
    const okta = await Provider.connected(ingress);
    const answer = await ingress.operate(method, `/${okta.id}${path}`, body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
  });

  it('does not decide questions of other connections', async () => {
    const okta = await Provider.connected(ingress, 'manual');
    await okta.leaver('xan@a.example', 'e1');
    await okta.create('xan@a.example', 'e2');
    const [one] = await okta.cases();
    const other = await Provider.connected(ingress, 'manual');
    expect((await other.decide(one?.id, 'same-person')).json.code).toBe('rebind-case.unknown');
    expect((await okta.cases())[0]?.decision).toBeNull();
  });
});
