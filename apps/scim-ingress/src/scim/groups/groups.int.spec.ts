import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NAMED_SUBJECTS_MAX, type SeverEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import { GROUP_SCHEMA_ID, USER_SCHEMA_ID, type DialectName } from '@sever/scim';
import {
  connectDialects,
  type DialectConnections,
  type ScimAnswer,
} from '../../testing/dialect-connections.js';

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const LOOSE: DialectName[] = ['entra', 'okta', 'jumpcloud', 'lenient'];
const EVERY: DialectName[] = ['strict', ...LOOSE];

describe('SCIM Groups', () => {
  let ingress: DialectConnections;
  let made = 0;
  beforeAll(async () => {
    ingress = await connectDialects();
  }, 60_000);
  afterAll(() => ingress.stop());

  const send: DialectConnections['send'] = (...of) => ingress.send(...of);
  const fresh = (what: string): string => `${what} ${(made += 1)}`;
  const group = (displayName: string, members?: unknown[], more: object = {}): object => ({
    schemas: [GROUP_SCHEMA_ID],
    displayName,
    ...(members && { members }),
    ...more,
  });
  async function person(dialect: DialectName): Promise<{ id: string; subject: string }> {
    const userName = `${fresh('person').replace(' ', '.')}@acme.example`;
    const { body } = await send(dialect, 'POST', '/Users', { schemas: [USER_SCHEMA_ID], userName });
    const [found] = await rows<{ subject: string }>(
      ingress.db.owner,
      'select subject from scim_resource where id = $1',
      [body.id],
    );
    return { id: String(body.id), subject: String(found?.subject) };
  }
  async function makeGroup(dialect: DialectName, ...members: string[]): Promise<string> {
    const { status, body } = await send(
      dialect,
      'POST',
      '/Groups',
      group(
        fresh('group'),
        members.map(value => ({ value })),
      ),
    );
    expect(status).toBe(201);
    return String(body.id);
  }
  const patch = (dialect: DialectName, id: string, ...operations: object[]): Promise<ScimAnswer> =>
    send(dialect, 'PATCH', `/Groups/${id}`, { schemas: [PATCH], Operations: operations });
  async function membersOf(dialect: DialectName, id: string): Promise<unknown[]> {
    const { body } = await send(dialect, 'GET', `/Groups/${id}`);
    return ((body.members ?? []) as { value: string }[]).map(member => member.value);
  }
  const lastEvent = async (id: string): Promise<SeverEvent> => {
    const last = (await ingress.eventsOf(id)).at(-1);
    if (!last) throw new Error('there is no event');
    return last;
  };
  const ok = (dialect: DialectName): number => (dialect === 'entra' ? 204 : 200);

  describe.each(EVERY)('on a %s connection', dialect => {
    it('E13: are created, read, listed, replaced and removed', async () => {
      const user = await person(dialect);
      const name = fresh('Crew');
      const created = await send(
        dialect,
        'POST',
        '/Groups',
        group(name, [{ value: user.id }], { externalId: name }),
      );
      expect(created.status).toBe(201);
      expect(created.headers.get('content-type')).toMatch(/^application\/scim\+json/);
      const id = String(created.body.id);
      const location = `${ingress.base(dialect)}/Groups/${id}`;
      expect(created.headers.get('location')).toBe(location);
      expect(created.body).toMatchObject({
        schemas: [GROUP_SCHEMA_ID],
        displayName: name,
        externalId: name,
        members: [{ value: user.id, type: 'User', $ref: `${ingress.base(dialect)}/Users/${user.id}` }],
        meta: { resourceType: 'Group', location, version: created.headers.get('etag') },
      });
      expect((await send(dialect, 'GET', `/groups/${id}`)).body).toEqual(created.body);
      const listed = await send(
        dialect,
        'GET',
        `/Groups?filter=${encodeURIComponent(`displayName eq "${name.toUpperCase()}"`)}`,
      );
      expect(listed.body).toMatchObject({ totalResults: 1, Resources: [created.body] });

      const replaced = await send(dialect, 'PUT', `/Groups/${id}`, group(`${name}!`));
      expect(replaced.status).toBe(200);
      expect(replaced.body).not.toHaveProperty('members');
      expect(replaced.body).toMatchObject({ displayName: `${name}!`, id });
      expect(replaced.headers.get('etag')).not.toBe(created.headers.get('etag'));

      expect((await send(dialect, 'DELETE', `/Groups/${id}`)).status).toBe(204);
      for (const method of ['GET', 'DELETE', 'PUT', 'PATCH']) {
        const gone = await send(
          dialect,
          method,
          `/Groups/${id}`,
          method === 'PUT'
            ? group('G')
            : method === 'PATCH'
              ? { schemas: [PATCH], Operations: [{ op: 'replace', path: 'displayName', value: 'G' }] }
              : undefined,
        );
        expect([method, gone.status]).toEqual([method, 404]);
        expect(gone.body).toMatchObject({ status: '404' });
      }
      expect((await ingress.eventsOf(id)).map(({ type }) => type)).toEqual([
        'sever.group.created.v1',
        'sever.group.members-changed.v1',
        'sever.group.removed.v1',
      ]);
    });

    it('E12: are shown without members where these are not wanted', async () => {
      const id = await makeGroup(dialect, 'x');
      const one = await send(dialect, 'GET', `/Groups/${id}?excludedAttributes=members`);
      expect(one.body).not.toHaveProperty('members');
      const filter = encodeURIComponent(`displayName eq "${String(one.body.displayName)}"`);
      const list = await send(dialect, 'GET', `/Groups?excludedAttributes=members&filter=${filter}`);
      expect(list.body).toMatchObject({ totalResults: 1, Resources: [one.body] });
      const named = await send(dialect, 'GET', `/Groups/${id}?attributes=members.value`);
      expect(named.body).toEqual({ schemas: [GROUP_SCHEMA_ID], id, members: [{ value: 'x' }] });
      const nobody = await send(dialect, 'GET', '/Groups?filter=displayName%20eq%20%22nobody%22');
      expect([nobody.status, nobody.body.totalResults, nobody.body.Resources]).toEqual([200, 0, []]);
    });

    it('are found by who is in them, and by what they are', async () => {
      const user = await person(dialect);
      const id = await makeGroup(dialect, user.id, 'odd');
      await makeGroup(dialect, 'odd one');
      for (const filter of [
        `members.value eq "${user.id}"`,
        `members eq "${user.id}"`,
        `members[value eq "${user.id}"]`,
        `members[value eq "${user.id}" and type eq "User"]`,
        `members.$ref eq "${ingress.base(dialect)}/Users/${user.id}"`,
        `members[$ref ew "/Users/${user.id}"]`,
        `id eq "${id}"`,
        `members.value eq "${user.id}" and not (displayName eq "x")`,
        `displayName eq "x" or members.value eq "${user.id}"`,
        `meta.location eq "${ingress.base(dialect)}/Groups/${id}"`,
      ]) {
        const { body } = await send(dialect, 'GET', `/Groups?filter=${encodeURIComponent(filter)}`);
        expect([filter, (body.Resources as { id: string }[]).map(g => g.id)]).toEqual([filter, [id]]);
      }
      const unknown = await send(dialect, 'GET', '/Groups?filter=nickName%20eq%20%22x%22');
      expect([unknown.status, unknown.body.scimType]).toEqual([400, 'invalidFilter']);
    });

    it('come in pages that do not overlap, in the order that is asked for', async () => {
      const tag = fresh('paged');
      for (const n of [3, 1, 2]) await send(dialect, 'POST', '/Groups', group(`${tag} ${n}`));
      const filter = encodeURIComponent(`displayName sw "${tag} "`);
      const page = async (query: string): Promise<unknown[]> => {
        const { body } = await send(dialect, 'GET', `/Groups?filter=${filter}&${query}`);
        expect(body.totalResults).toBe(3);
        return (body.Resources as { displayName: string }[]).map(g => g.displayName.slice(-1));
      };
      expect(await page('startIndex=1&count=2')).toEqual(['3', '1']);
      expect(await page('startIndex=3&count=2')).toEqual(['2']);
      expect(await page('count=0')).toEqual([]);
      expect(await page('sortBy=displayName')).toEqual(['1', '2', '3']);
      expect(await page('sortBy=displayName&sortOrder=descending')).toEqual(['3', '2', '1']);
    });

    it('E14, E16: take and lose members, and tell who', async () => {
      const [user, other] = [await person(dialect), await person(dialect)];
      const id = await makeGroup(dialect, other.id);
      const add = { op: 'add', path: 'members', value: [{ value: user.id }, { value: 'fake-member-id' }] };
      expect((await patch(dialect, id, add)).status).toBe(ok(dialect));
      expect(await lastEvent(id)).toMatchObject({
        type: 'sever.group.members-changed.v1',
        subject: id,
        data: {
          actor: { kind: 'connection', id: dialect },
          door: { operation: 'update', dialect },
          attributes: [],
          added: { count: 2, subjects: [user.subject], unnamed: 0 },
          removed: { count: 0, subjects: [], digest: null },
        },
      });
      const { headers } = await send(dialect, 'GET', `/Groups/${id}`);
      expect((await patch(dialect, id, add)).headers.get('etag')).toBe(headers.get('etag'));
      expect(await ingress.eventsOf(id)).toHaveLength(2);
      const remove = { op: 'remove', path: `members[value eq "${user.id}"]` };
      expect((await patch(dialect, id, remove, remove)).status).toBe(ok(dialect));
      expect(await membersOf(dialect, id)).toEqual([other.id, 'fake-member-id']);
      const event = await lastEvent(id);
      expect(event).toMatchObject({
        data: { removed: { count: 1, groups: 0, subjects: [user.subject], unnamed: 0 } },
      });
      expect(event).toHaveProperty(
        'data.removed.digest',
        createHash('sha256').update(`${user.subject}\n`).digest('hex'),
      );
    });

    it('O10: take additions and removals in one PATCH, and a whole new set; nobody is left after an empty one', async () => {
      const id = await makeGroup(dialect, 'a', 'b', 'c');
      await patch(
        dialect,
        id,
        { op: 'remove', path: 'members[value eq "a"]' },
        { op: 'add', path: 'members', value: [{ value: 'd' }] },
        { op: 'replace', path: 'displayName', value: fresh('renamed') },
      );
      expect(await membersOf(dialect, id)).toEqual(['b', 'c', 'd']);
      expect(await lastEvent(id)).toMatchObject({
        data: { attributes: ['displayName'], added: { count: 1 }, removed: { count: 1 } },
      });
      await patch(dialect, id, { op: 'replace', path: 'members', value: [{ value: 'c' }, { value: 'e' }] });
      expect(await membersOf(dialect, id)).toEqual(['c', 'e']);
      await patch(dialect, id, { op: 'replace', path: 'members', value: [] });
      expect(await membersOf(dialect, id)).toEqual([]);
      expect(await lastEvent(id)).toMatchObject({ data: { removed: { count: 2, subjects: [] } } });
    });

    it('are changed by a filter that has to see the members', async () => {
      const user = await person(dialect);
      const id = await makeGroup(dialect, user.id, 'odd');
      expect((await patch(dialect, id, { op: 'remove', path: 'members[type eq "User"]' })).status).toBe(
        ok(dialect),
      );
      expect(await membersOf(dialect, id)).toEqual(['odd']);
      expect(await lastEvent(id)).toMatchObject({
        data: { removed: { subjects: [user.subject] }, added: { count: 0 } },
      });
    });

    it('keep to versions', async () => {
      const id = await makeGroup(dialect);
      const first = String((await send(dialect, 'GET', `/Groups/${id}`)).headers.get('etag'));
      const unchanged = await send(dialect, 'GET', `/Groups/${id}`, undefined, {
        'if-none-match': `"zz", ${first}`,
      });
      expect([unchanged.status, unchanged.text]).toEqual([304, '']);
      const write = (value: string, tag: string): Promise<ScimAnswer> =>
        send(
          dialect,
          'PATCH',
          `/Groups/${id}`,
          { schemas: [PATCH], Operations: [{ op: 'replace', path: 'displayName', value }] },
          { 'if-match': tag },
        );
      expect((await write(fresh('v2'), first)).status).toBe(ok(dialect));
      expect((await write(fresh('v3'), first)).status).toBe(412);
      expect((await write(fresh('v3'), '*')).status).toBe(ok(dialect));
      const late = await send(dialect, 'DELETE', `/Groups/${id}`, undefined, { 'if-match': first });
      expect([late.status, late.body.status]).toEqual([412, '412']);
      expect(await ingress.eventsOf(id)).toHaveLength(3);
    });

    it('change nothing and append nothing when an operation is wrong', async () => {
      const id = await makeGroup(dialect, 'a');
      const { body } = await send(dialect, 'GET', `/Groups/${id}`);
      const wrong = await patch(
        dialect,
        id,
        { op: 'remove', path: 'members' },
        { op: 'remove', path: 'displayName' },
      );
      expect([wrong.status, wrong.body.scimType]).toEqual([400, 'mutability']);
      for (const odd of [
        group('x'.repeat(513)),
        group('G', [{ value: 'y'.repeat(513) }]),
        { displayName: 'G' },
      ])
        expect((await send(dialect, 'PUT', `/Groups/${id}`, odd)).status).toBe(400);
      expect((await send(dialect, 'POST', '/Groups', { schemas: [GROUP_SCHEMA_ID] })).status).toBe(400);
      expect((await send(dialect, 'GET', `/Groups/${id}`)).body).toEqual(body);
      expect(await ingress.eventsOf(id)).toHaveLength(1);
    });

    it('are told by their members', async () => {
      const user = await person(dialect);
      const id = await makeGroup(dialect, user.id);
      const { body } = await send(dialect, 'GET', `/Users/${user.id}`);
      const { displayName } = (await send(dialect, 'GET', `/Groups/${id}`)).body;
      const $ref = `${ingress.base(dialect)}/Groups/${id}`;
      expect(body.groups).toEqual([{ value: id, display: displayName, type: 'direct', $ref }]);
      for (const filter of [`groups.value eq "${id}"`, `groups.$ref eq "${$ref}"`]) {
        const found = await send(dialect, 'GET', `/Users?filter=${encodeURIComponent(filter)}`);
        expect([filter, found.body.Resources]).toEqual([filter, [body]]);
      }
      const echoed = await send(dialect, 'PUT', `/Users/${user.id}`, { ...body, title: 't' });
      expect(echoed.body.groups).toEqual(body.groups);
      await patch(dialect, id, { op: 'remove', path: 'members' });
      expect((await send(dialect, 'GET', `/Users/${user.id}`)).body).not.toHaveProperty('groups');
    });

    it('lose a user who is removed, whoever else is in them', async () => {
      const [user, other] = [await person(dialect), await person(dialect)];
      const id = await makeGroup(dialect, user.id, other.id);
      expect((await send(dialect, 'DELETE', `/Users/${user.id}`)).status).toBe(204);
      expect(await membersOf(dialect, id)).toEqual([other.id]);
    });
  });

  describe.each(LOOSE)('on a %s connection, said loosely', dialect => {
    it('E14, E15, J2: take and lose the members that an operation lists', async () => {
      const id = await makeGroup(dialect, 'a', 'b');
      await patch(dialect, id, { op: 'Add', path: 'members', value: [{ $ref: null, value: 'c' }] });
      const remove = { op: 'Remove', path: 'members', value: [{ $ref: null, value: 'b' }] };
      expect((await patch(dialect, id, remove)).status).toBe(ok(dialect));
      expect(await membersOf(dialect, id)).toEqual(['a', 'c']);
      expect(await lastEvent(id)).toMatchObject({
        data: { door: { rules: ['op-any-case', 'remove-with-value'] } },
      });
      await patch(dialect, id, { op: 'Remove', path: 'members', value: [] });
      expect(await membersOf(dialect, id)).toEqual(['a', 'c']);
    });

    it('O9: take their name with the id that they have', async () => {
      const id = await makeGroup(dialect, 'a');
      const displayName = fresh('pushed');
      expect((await patch(dialect, id, { op: 'replace', value: { id, displayName } })).status).toBe(
        ok(dialect),
      );
      expect((await send(dialect, 'GET', `/Groups/${id}`)).body.displayName).toBe(displayName);
      expect(await lastEvent(id)).toMatchObject({
        type: 'sever.group.updated.v1',
        data: { attributes: ['displayName'] },
      });
      expect(await membersOf(dialect, id)).toEqual(['a']);
    });

    it('E13: are created with a schema that nobody knows', async () => {
      const { status, body } = await send(dialect, 'POST', '/Groups', {
        schemas: [
          GROUP_SCHEMA_ID,
          'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group',
        ],
        displayName: fresh('ad'),
        meta: { resourceType: 'Group' },
      });
      expect([status, body.schemas]).toEqual([201, [GROUP_SCHEMA_ID]]);
    });
  });

  it('are refused on a strict connection where the profile says so', async () => {
    const id = await makeGroup('strict', 'a');
    for (const operation of [
      { op: 'remove', path: 'members', value: [{ value: 'a' }] },
      { op: 'replace', value: { displayName: 'H' } },
      { op: 'add', path: 'members', value: ['b'] },
    ])
      expect((await patch('strict', id, operation)).status).toBe(400);
    const unknown = group('G', [], { schemas: [GROUP_SCHEMA_ID, 'urn:none'] });
    expect((await send('strict', 'POST', '/Groups', unknown)).body).toMatchObject({
      status: '400',
      scimType: 'invalidSyntax',
    });
    expect(await membersOf('strict', id)).toEqual(['a']);
  });

  it('have names of their own on an entra connection, and elsewhere not', async () => {
    const name = fresh('Ünique');
    for (const [dialect, status] of [
      ['entra', 409],
      ['okta', 201],
      ['strict', 201],
    ] as const) {
      const first = await send(dialect, 'POST', '/Groups', group(name));
      expect(first.status).toBe(201);
      const again = await send(dialect, 'POST', '/Groups', group(name.toUpperCase()));
      expect([dialect, again.status]).toEqual([dialect, status]);
      if (status !== 409) continue;
      expect(again.body).toMatchObject({ scimType: 'uniqueness' });
      const id = await makeGroup(dialect);
      const taken = await patch(dialect, id, { op: 'replace', path: 'displayName', value: name });
      expect(taken.status).toBe(409);
      await send(dialect, 'DELETE', `/Groups/${String(first.body.id)}`);
      expect((await send(dialect, 'POST', '/Groups', group(name))).status).toBe(201);
    }
  });

  it('take members as bare strings on an entra connection', async () => {
    const id = await makeGroup('entra');
    await patch('entra', id, {
      op: 'add',
      path: 'members',
      value: ['nobody', { value: 'x', displayName: 'new User' }],
    });
    const { body } = await send('entra', 'GET', `/Groups/${id}`);
    expect(body.members).toEqual([{ value: 'nobody' }, { value: 'x', display: 'new User' }]);
  });

  it('are private to their connection', async () => {
    const user = await person('okta');
    const id = await makeGroup('okta', user.id);
    const filter = encodeURIComponent(`members.value eq "${user.id}"`);
    expect((await send('strict', 'GET', `/Groups/${id}`)).text).toBe(
      (await send('strict', 'GET', `/Groups/${id.replace(/./g, 'x')}`)).text.replace(/x{36}/, id),
    );
    expect((await send('strict', 'GET', `/Groups?filter=${filter}`)).body.totalResults).toBe(0);
    expect((await send('strict', 'DELETE', `/Groups/${id}`)).status).toBe(404);
    expect(await membersOf('okta', id)).toEqual([user.id]);
  });

  it('may have a crowd: the event counts all, names some and digests everybody', async () => {
    const extra = 50;
    const crowd = NAMED_SUBJECTS_MAX + extra;
    await rows(
      ingress.db.owner,
      `with p as (insert into subject (id, tenant, user_name_norm)
         select gen_random_uuid(), 'acme', 'crowd.' || n from generate_series(1, $1::int) n returning id, user_name_norm)
       insert into scim_resource (connection, id, tenant, subject, attributes, user_name_norm, active)
       select 'lenient', gen_random_uuid(), 'acme', id, '{}', user_name_norm, true from p`,
      [crowd],
    );
    const people = await rows<{ id: string; subject: string }>(
      ingress.db.owner,
      `select id, subject from scim_resource where user_name_norm like 'crowd.%' order by subject`,
    );
    const digest = createHash('sha256')
      .update(people.map(p => `${p.subject}\n`).join(''))
      .digest('hex');
    const id = await makeGroup('lenient', ...people.map(p => p.id));
    const named = people.slice(0, NAMED_SUBJECTS_MAX).map(p => p.subject);
    expect((await lastEvent(id)).data).toMatchObject({
      added: { count: crowd, groups: 0, subjects: named, unnamed: extra, digest },
    });
    const added = await patch('lenient', id, { op: 'add', path: 'members', value: [{ value: 'one more' }] });
    expect([added.status, added.text]).toEqual([204, '']);
    await send('lenient', 'DELETE', `/Groups/${id}`);
    expect((await lastEvent(id)).data).toMatchObject({
      removed: { count: crowd + 1, subjects: named, unnamed: extra, digest },
    });
  });

  it('change one after the other when many write at once, and lose nothing', async () => {
    const id = await makeGroup('okta');
    const values = Array.from({ length: 24 }, (_, n) => `m${n}`);
    await Promise.all(
      values.map(value => patch('okta', id, { op: 'add', path: 'members', value: [{ value }] })),
    );
    expect(new Set(await membersOf('okta', id))).toEqual(new Set(values));
    expect(await ingress.eventsOf(id)).toHaveLength(values.length + 1);
    expect(await rows(ingress.db.owner, 'select member_count from scim_group where id = $1', [id])).toEqual([
      { member_count: values.length },
    ]);
  });

  it('take one of many changes of the same version', async () => {
    const id = await makeGroup('okta');
    const etag = String((await send('okta', 'GET', `/Groups/${id}`)).headers.get('etag'));
    const change = (n: number): object => ({ op: 'replace', path: 'displayName', value: `name ${n}` });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        send(
          'okta',
          'PATCH',
          `/Groups/${id}`,
          { schemas: [PATCH], Operations: [change(n)] },
          { 'if-match': etag },
        ),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array<number>(11).fill(412)]);
    expect(await ingress.eventsOf(id)).toHaveLength(2);
  });

  it('are discovered', async () => {
    const types = await send('strict', 'GET', '/ResourceTypes');
    expect((types.body.Resources as { name: string }[]).map(type => type.name)).toEqual(['User', 'Group']);
    const { body } = await send('strict', 'GET', '/ResourceTypes/Group');
    expect(body).toMatchObject({ endpoint: '/Groups', schema: GROUP_SCHEMA_ID });
    expect((await send('strict', 'GET', `/Schemas/${GROUP_SCHEMA_ID}`)).body.name).toBe('Group');
    expect((await send('strict', 'GET', '/Schemas')).body.totalResults).toBe(3);
  });
});
