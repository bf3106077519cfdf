import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { call, type Reply } from '../../harness/clients.js';
import { startPipeline, type Pipeline } from '../../harness/pipeline.js';
import { freshConnection, type FreshConnection } from '../fresh-connection.js';

jest.setTimeout(120_000);

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** The text that a request of the collection carries where it means a variable: never replaced, so it is the same for many users. */
const LITERAL = '${__UUID}';

/**
 * What Microsoft's public test collection for SCIM services (AzureAD/SCIMReferenceCode, PostmanCollection.json) asks and expects, in
 * requests of our own, in the order of the collection: an empty connection is filled, searched, changed and emptied again.
 */
describe("what Microsoft's collection asks of an entra connection", () => {
  let pipeline: Pipeline;
  let connection: FreshConnection;
  const ids: Record<string, string> = {};

  beforeAll(async () => {
    pipeline = await startPipeline(['--hold', 'never']);
    connection = await freshConnection(pipeline, 'entra');
  });
  afterAll(() => pipeline?.dispose());

  const send = (method: string, path: string, body?: unknown): Promise<Reply> =>
    call(method, `${connection.baseUrl}${path}`, connection.token, body);
  const resources = ({ body }: Reply): Record<string, unknown>[] =>
    body.Resources as Record<string, unknown>[];
  const found = async (path: string): Promise<Record<string, unknown>[]> => {
    const reply = await send('GET', path);
    expect(reply.status).toBe(200);
    return resources(reply);
  };
  const names = async (filter: string): Promise<unknown[]> =>
    (await found(`/Users?filter=${encodeURIComponent(filter)}`)).map(user => user.userName).toSorted();
  const patch = (path: string, ...operations: object[]): Promise<Reply> =>
    send('PATCH', path, { schemas: [PATCH], Operations: operations });

  it('an empty service lists nobody, under any spelling of the address', async () => {
    for (const path of ['/users', '/Users', '/Groups', '/groups']) expect(await found(path)).toEqual([]);
  });

  it('says what it can do, and calls a user a user account', async () => {
    expect((await send('GET', '/ServiceProviderConfig')).body).toMatchObject({ patch: { supported: true } });
    const types = resources(await send('GET', '/ResourceTypes'));
    expect(types.map(type => type.name)).toEqual(['User', 'Group']);
    const schemas = resources(await send('GET', '/Schemas'));
    expect(JSON.stringify(schemas)).toContain('User Account');
    expect(schemas.map(schema => schema.id)).toEqual(expect.arrayContaining([USER, ENTERPRISE, GROUP]));
  });

  it.each([
    ['the whole of a user', 'full', { active: 'True', title: 'tester', externalId: LITERAL }],
    ['a user with an extension', 'enterprise', { [ENTERPRISE]: { department: 'bob', manager: 'ids.full' } }],
    ['another with the same external id', 'second', { externalId: LITERAL }],
    ['an inactive one with the same external id', 'inactive', { active: 'False', externalId: LITERAL }],
    ['one more after the inactive one', 'third', { externalId: LITERAL, displayName: 'third' }],
  ])('takes %s', async (_what, name, attributes) => {
    const reply = await send('POST', '/Users', {
      schemas: [USER, ENTERPRISE],
      userName: `${name}@collection.example`,
      emails: [{ Primary: true, type: 'work', value: 'shared@collection.example' }],
      name: { givenName: name, familyName: 'Employee' },
      roles: [],
      meta: { resourceType: 'User' },
      ...attributes,
    });
    expect(reply.status).toBe(201);
    expect(reply.headers.get('location')).toBe((reply.body.meta as { location: string }).location);
    expect(reply.body.active).toBe(name !== 'inactive');
    ids[name] = String(reply.body.id);
    expect(new Set(Object.values(ids)).size).toBe(Object.keys(ids).length);
  });

  it.each([1, 2, 3])('refuses a name that is taken, with words (%d)', async () => {
    const reply = await send('POST', '/Users', { schemas: [USER], userName: 'FULL@collection.example' });
    expect(reply.status).toBe(409);
    expect(reply.body).toMatchObject({ status: '409', scimType: 'uniqueness', detail: expect.any(String) });
  });

  it('refuses a user without a name, and what is no JSON', async () => {
    expect((await send('POST', '/Users', { schemas: [USER], displayName: 'nobody' })).status).toBe(400);
    const reply = await fetch(`${connection.baseUrl}/Users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${connection.token}`, 'content-type': 'application/scim+json' },
      body: '{"schemas": [, "userName": "x"}',
    });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ status: '400', scimType: 'invalidSyntax' });
  });

  it.each([
    ['userName eq "full@collection.example"', ['full@collection.example']],
    ['userName sw Fu', ['full@collection.example']],
    ['externalId eq nobody', []],
    ['name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)', []],
    [
      'name.FamilyName eq Employee and emails.Value co collection and title eq "tester"',
      ['full@collection.example'],
    ],
    [
      'meta.Created gt 2015-10-10T14:38:21.8617979-07:00 and active eq "False"',
      ['inactive@collection.example'],
    ],
    [`externalId eq "${LITERAL}" and displayName eq "third"`, ['third@collection.example']],
  ])('finds by %s', async (filter, expected) => {
    expect(await names(filter)).toEqual(expected);
  });

  it('shows only what is asked for', async () => {
    const [user] = await found(
      `/Users?filter=${encodeURIComponent('title eq "tester"')}&attributes=${encodeURIComponent('userName,emails[type eq "work"]')}`,
    );
    expect(Object.keys(user ?? {}).toSorted()).toEqual(['emails', 'id', 'schemas', 'userName']);
    const page = await send('GET', '/Users?startIndex=2&count=2');
    expect(page.body).toMatchObject({ totalResults: 5, startIndex: 2, itemsPerPage: 2 });
  });

  it('changes a user in part, with 204, and as a whole, with 200', async () => {
    const path = `/Users/${ids.full}`;
    expect(
      (await patch(path, { op: 'Replace', path: 'emails[type eq "work"].value', value: 'n@x.example' }))
        .status,
    ).toBe(204);
    expect(
      (await patch(path, { op: 'Add', path: 'emails[type eq "home"].value', value: 'h@x.example' })).status,
    ).toBe(204);
    expect((await patch(path, { op: 'Remove', path: 'title' })).status).toBe(204);
    expect(
      (await patch(path, { op: 'Replace', path: `${ENTERPRISE}:manager`, value: ids.second })).status,
    ).toBe(204);
    const changed = (await send('GET', path)).body;
    expect(changed).not.toHaveProperty('title');
    expect(changed.emails).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'work', value: 'n@x.example' }),
        expect.objectContaining({ type: 'home', value: 'h@x.example' }),
      ]),
    );
    expect(changed[ENTERPRISE]).toMatchObject({ manager: { value: ids.second } });
    const whole = {
      schemas: [USER],
      id: ids.full,
      userName: 'full@collection.example',
      userNmae: 'misspelled',
    };
    const replaced = await send('PUT', path, { ...whole, displayName: 'whole' });
    expect({ status: replaced.status, name: replaced.body.displayName }).toEqual({
      status: 200,
      name: 'whole',
    });
    expect((await send('PUT', path, { schemas: [USER], displayName: 'nameless' })).status).toBe(400);
  });

  it('switches a user off and on again', async () => {
    for (const active of [false, true]) {
      const value = active ? 'True' : 'False';
      expect((await patch(`/Users/${ids.second}`, { op: 'Replace', path: 'active', value })).status).toBe(
        204,
      );
      expect((await send('GET', `/Users/${ids.second}`)).body.active).toBe(active);
    }
  });

  it('keeps groups and their members', async () => {
    const made = await send('POST', '/Groups', {
      schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
      displayName: 'Group of the collection',
      externalId: LITERAL,
      members: [],
      meta: { resourceType: 'Group' },
    });
    expect(made.status).toBe(201);
    const path = `/Groups/${String(made.body.id)}`;
    expect(
      (await send('POST', '/Groups', { schemas: [GROUP], displayName: 'Group of the collection' })).status,
    ).toBe(409);
    const member = { displayName: 'new User', value: ids.third };
    expect((await patch(path, { op: 'Add', path: 'members', value: [member] })).status).toBe(204);
    expect((await send('GET', path)).body.members).toEqual([
      expect.objectContaining({ value: ids.third, display: 'new User' }),
    ]);
    expect((await send('GET', `${path}?excludedAttributes=members`)).body).not.toHaveProperty('members');
    expect((await patch(path, { op: 'Add', path: 'members', value: 'somebody-unknown' })).status).toBe(204);
    const both = (await send('GET', path)).body.members as { value: string }[];
    expect(both.map(({ value }) => value).toSorted()).toEqual(
      ['somebody-unknown', String(ids.third)].toSorted(),
    );
    const gone = { op: 'Remove', path: 'members', value: [{ $ref: null, value: ids.third }] };
    expect((await patch(path, gone)).status).toBe(204);
    expect((await patch(path, { op: 'Replace', path: 'displayName', value: 'renamed' })).status).toBe(204);
    const renamed = await found(
      `/Groups?excludedAttributes=members&filter=${encodeURIComponent('displayName eq "renamed"')}`,
    );
    expect(renamed.map(group => group.id)).toEqual([made.body.id]);
    expect((await send('DELETE', path)).status).toBe(204);
    expect((await send('GET', path)).status).toBe(404);
  });

  it('is empty again once everybody was deleted', async () => {
    for (const id of Object.values(ids)) expect((await send('DELETE', `/Users/${id}`)).status).toBe(204);
    for (const path of ['/Users', '/Groups'])
      expect((await send('GET', path)).body).toMatchObject({ totalResults: 0, Resources: [] });
  });
});
