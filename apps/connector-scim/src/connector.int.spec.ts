import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Connector, Ctx, MatchRule, Target } from '@sever/connector-sdk';
import type { GateReply, GateRequest, HttpFaultGate } from '@sever/connector-sdk/testing';
import { scim } from './connector.js';
import { openScimGate, scimError, scimList, scimReply } from './testing/scim-gate.js';
import { ScimServer } from './testing/scim-server.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

const ctx = (match: MatchRule = { by: 'userName' }): Ctx => ({
  tenant: 'acme',
  signal: AbortSignal.timeout(20_000),
  idempotencyKey: 'spec',
  permit: () => Promise.resolve(),
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  match,
});

describe('a SCIM service', () => {
  let server: ScimServer;
  let gate: HttpFaultGate;
  let connector: Connector;
  let names = 0;

  beforeAll(async () => {
    server = await ScimServer.start();
    gate = await openScimGate(server.origin);
  }, 60_000);
  beforeEach(() => {
    connector = open();
  });
  afterEach(() => {
    gate.script = undefined;
    gate.journal.length = 0;
  });
  afterAll(async () => {
    await gate?.close();
    await server?.stop();
  });

  /** Each connector has its own memory of what the service can do. */
  const open = (): Connector =>
    scim.connect({
      id: 'scim',
      settings: scim.parseSettings({
        baseUrl: `${gate.origin}/scim/v2/`,
        tokenRef: 'env:UNUSED',
        pageSize: 2,
      }),
      secret: () => Promise.resolve(server.token),
    });

  async function person(
    o: { groups?: number; userName?: string } = {},
  ): Promise<{ userName: string; target: Target; groups: string[] }> {
    const userName = o.userName ?? `person.${(names += 1)}@acme.example`;
    const { id } = await server.must('POST', '/Users', {
      schemas: [USER],
      userName,
      active: true,
      title: 'x',
    });
    const groups: string[] = [];
    for (let i = 0; i < (o.groups ?? 0); i += 1) {
      const members = [{ value: id }, { value: 'somebody-else' }];
      const group = await server.must('POST', '/Groups', {
        schemas: [GROUP],
        displayName: `${userName} ${i}`,
        members,
      });
      groups.push(String(group.id));
    }
    return { userName, target: { id: String(id), matchedBy: 'userName' }, groups };
  }

  const script = (answers: (request: GateRequest) => GateReply | undefined): void => {
    gate.script = answers;
  };
  const locate = (userName: string, match?: MatchRule) =>
    connector.locate({ tenant: 'acme', subject: 's', userName }, ctx(match));
  const sent = (method: string): GateRequest[] => gate.journal.filter(request => request.method === method);
  const membersOf = async (group: string): Promise<unknown[]> =>
    ((await server.must('GET', `/Groups/${group}`)).members ?? []) as unknown[];

  describe('that does not offer PATCH', () => {
    const withoutPatch = (config: GateReply) =>
      script(({ method, path }) => {
        if (path.endsWith('/ServiceProviderConfig')) return config;
        return method === 'PATCH' ? scimError(501, 'no PATCH here') : undefined;
      });

    it('is cut, stripped and restored by PUT, and keeps every other attribute', async () => {
      const { target, groups } = await person({ groups: 2 });
      withoutPatch(scimReply(200, { patch: { supported: false } }));
      const strip = await connector.snapshot?.('stripEntitlements', target, ctx());
      expect((await connector.suspend?.(target, ctx()))?.kind).toBe('Done');
      expect((await connector.stripEntitlements?.(target, ctx()))?.kind).toBe('Done');
      expect(await server.must('GET', `/Users/${target.id}`)).toMatchObject({ active: false, title: 'x' });
      for (const group of groups) expect(await membersOf(group)).toEqual([{ value: 'somebody-else' }]);
      if (strip?.kind !== 'Snapshot') throw new Error('no snapshot');
      await connector.restore?.('stripEntitlements', strip.snapshot, target, ctx());
      await connector.restore?.('suspend', { entries: [{ active: true }] }, target, ctx());
      expect((await server.must('GET', `/Users/${target.id}`)).active).toBe(true);
      for (const group of groups)
        expect(await membersOf(group)).toEqual([{ value: 'somebody-else' }, { value: target.id }]);
      expect(sent('PATCH')).toEqual([]);
    });

    it.each([405, 501])('whatever it says of itself (%d), is cut by PUT', async status => {
      const { target } = await person();
      script(({ method }) => (method === 'PATCH' ? scimError(status) : undefined));
      expect((await connector.suspend?.(target, ctx()))?.kind).toBe('Done');
      expect((await connector.verify('suspend', target, ctx())).kind).toBe('Verified');
    });

    it('replaces only the version that was read', async () => {
      const { userName, target } = await person();
      script(({ method, path }) => {
        if (path.endsWith('/ServiceProviderConfig')) return scimReply(200, { patch: { supported: false } });
        if (method === 'GET' && path.endsWith(target.id))
          return scimReply(200, {
            schemas: [USER],
            id: target.id,
            userName,
            active: true,
            meta: { version: 'W/"7"' },
          });
        return method === 'PUT' ? scimError(412, 'changed meanwhile') : undefined;
      });
      expect(await connector.suspend?.(target, ctx())).toMatchObject({ kind: 'Conflict' });
      expect(sent('PUT')[0]?.headers['if-match']).toBe('W/"7"');
      expect(JSON.parse(sent('PUT')[0]?.body ?? '{}')).not.toHaveProperty('meta');
    });

    it.each([
      ['is not there', () => scimError(404)],
      [
        'is a web page',
        () => ({ status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>no</h1>' }),
      ],
      ['may not be read', () => scimError(403)],
      ['is something else', () => scimReply(200, { hello: 'world' })],
    ])('and whose configuration %s gets a PATCH', async (_name, config) => {
      const { target } = await person();
      script(({ path }) => (path.endsWith('/ServiceProviderConfig') ? config() : undefined));
      expect((await connector.suspend?.(target, ctx()))?.kind).toBe('Done');
      expect((await connector.verify('suspend', target, ctx())).kind).toBe('Verified');
    });
  });

  it.each([
    ['204 without a body', { status: 204, headers: {}, body: '' }],
    ['200 with a body', scimReply(200, { schemas: [USER], id: 'x', userName: 'x' })],
    ['200 without a body', { status: 200, headers: {}, body: '' }],
    ['202', { status: 202, headers: {}, body: '' }],
  ])('that answers a PATCH with %s has acknowledged it', async (_name, reply) => {
    const { target } = await person();
    script(({ method }) => (method === 'PATCH' ? reply : undefined));
    expect((await connector.suspend?.(target, ctx()))?.kind).toBe('Done');
    expect((await connector.verify('suspend', target, ctx())).kind).toBe('StillPresent');
  });

  it.each([
    [400, 'Malformed'],
    [401, 'AuthFailed'],
    [403, 'Forbidden'],
    [409, 'Malformed'],
    [412, 'Conflict'],
    [429, 'RateLimited'],
    [500, 'Transient'],
    [503, 'Transient'],
  ])('that answers a write with %d is told apart as %s', async (status, kind) => {
    const { target } = await person();
    script(({ method }) => (method === 'GET' ? undefined : scimError(status)));
    expect((await connector.suspend?.(target, ctx()))?.kind).toBe(kind);
    expect((await connector.delete?.(target, ctx()))?.kind).toBe(kind);
  });

  it.each([
    ['a web page', { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not Found</h1>' }],
    [
      'plain JSON',
      { status: 404, headers: { 'content-type': 'application/json' }, body: '{"error":"none"}' },
    ],
    ['nothing', { status: 404, headers: {}, body: '' }],
    ['another status inside', { ...scimError(503), status: 404 }],
  ])('whose 404 is %s has not said that anybody is gone', async (_name, reply) => {
    const { target, userName } = await person();
    script(() => reply);
    for (const step of ['suspend', 'stripEntitlements', 'delete'] as const)
      expect((await connector.verify(step, target, ctx())).kind).toBe('Malformed');
    expect((await connector.delete?.(target, ctx()))?.kind).toBe('Malformed');
    expect((await locate(userName)).kind).toBe('Malformed');
    script(() => scimError(404));
    expect((await connector.verify('delete', target, ctx())).kind).toBe('Verified');
  });

  it('whose token may not read lists has wrong rights for everybody, not for one person', async () => {
    script(({ path }) => (path.includes('?') ? scimError(403) : undefined));
    expect(await locate('anybody@acme.example')).toMatchObject({
      kind: 'AuthFailed',
      code: 'rights.missing',
    });
  });

  describe('with a filter of its own kind', () => {
    const filterOf = (request: GateRequest): string =>
      new URL(request.path, 'http://x').searchParams.get('filter') ?? '';

    it('that compares case still finds the person in the directory\u2019s spelling', async () => {
      const { target } = await person({ userName: 'Mixed.Case@Acme.Example' });
      expect(await locate('mixed.case@acme.example')).toMatchObject({
        kind: 'Located',
        target: { id: target.id },
      });
      expect((await locate('mixed.case@acme.exampl')).kind).toBe('NotFound');
    });

    it('that finds nobody at all is not believed', async () => {
      const { target, userName } = await person();
      script(request => (filterOf(request) ? scimList([]) : undefined));
      expect(await locate(userName)).toMatchObject({ kind: 'Located', target: { id: target.id } });
    });

    it('that is seen to work is believed without reading everybody', async () => {
      const everybody = [{ schemas: [USER], id: 'c', userName: 'Canary@acme.example', active: true }];
      script(request =>
        filterOf(request) && !/canary@acme/i.test(filterOf(request)) ? scimList([]) : scimList(everybody, 1),
      );
      for (const name of ['one', 'two', 'three'])
        expect((await locate(`${name}@acme.example`)).kind).toBe('NotFound');
      expect(gate.journal.length).toBe(3 + 2);
      // Of letters beyond ASCII the canary says nothing.
      expect((await locate('j\u00f6rg@acme.example')).kind).toBe('NotFound');
      expect(gate.journal.length).toBe(3 + 2 + 2);
    });

    it('that it ignores makes nobody the wrong person', async () => {
      const all = [1, 2, 3].map(i => ({ schemas: [USER], id: `${i}`, userName: `other.${i}@acme.example` }));
      script(({ path }) => {
        const start = Number(new URL(path, 'http://x').searchParams.get('startIndex'));
        return scimList(all.slice(start - 1, start + 1), all.length);
      });
      expect((await locate('leaver@acme.example')).kind).toBe('NotFound');
      expect(await locate('OTHER.3@acme.example')).toMatchObject({ kind: 'Located', target: { id: '3' } });
    });

    it('by external id compares it with case', async () => {
      script(() => scimList([{ schemas: [USER], id: '1', userName: 'a@acme.example', externalId: 'ABC' }]));
      const find = (externalId?: string) =>
        connector.locate(
          { tenant: 'acme', subject: 's', userName: 'x', externalId },
          ctx({ by: 'externalId' }),
        );
      expect((await find('ABC')).kind).toBe('Located');
      expect((await find('abc')).kind).toBe('NotFound');
      expect(await find()).toMatchObject({ kind: 'Conflict', code: 'match.identifier-missing' });
    });
  });

  it('shared by tenants shows each only its own part', async () => {
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    const users = ['acme', 'globex'].map(organization => ({
      schemas: [USER],
      id: organization,
      userName: 'same@example.com',
      [enterprise]: { organization },
    }));
    script(() => scimList(users));
    const scope = { [`${enterprise}:organization`]: 'globex' };
    expect((await locate('same@example.com')).kind).toBe('Conflict');
    expect(await locate('same@example.com', { by: 'userName', scope })).toMatchObject({
      target: { id: 'globex' },
    });
  });

  describe('with groups', () => {
    it('loses a member by the filtered path alone, as the IPSIE profile asks', async () => {
      const { target } = await person({ groups: 1 });
      await connector.stripEntitlements?.(target, ctx());
      const [patch] = sent('PATCH').map(request => JSON.parse(request.body) as { Operations: unknown });
      expect(patch?.Operations).toEqual([{ op: 'remove', path: `members[value eq "${target.id}"]` }]);
      expect(sent('PATCH')[0]?.headers.traceparent).toBe(ctx().traceparent);
    });

    it('that lists no members is asked through the user', async () => {
      const { target, userName, groups } = await person({ groups: 1 });
      const group = groups[0] ?? '';
      let isMember = true;
      script(({ method, path }) => {
        if (method === 'PATCH' && path.endsWith(group)) isMember = false;
        if (path.includes('/Groups?')) return scimList([{ schemas: [GROUP], id: group, displayName: 'g' }]);
        if (method !== 'GET' || !path.endsWith(target.id)) return undefined;
        const nested = { value: 'through-another', type: 'indirect' };
        const named = isMember ? [{ value: group, type: 'direct' }, nested] : [nested];
        return scimReply(200, { schemas: [USER], id: target.id, userName, active: true, groups: named });
      });
      expect((await connector.verify('stripEntitlements', target, ctx())).kind).toBe('StillPresent');
      expect((await connector.stripEntitlements?.(target, ctx()))?.kind).toBe('Done');
      expect(await membersOf(group)).toEqual([{ value: 'somebody-else' }]);
      expect((await connector.verify('stripEntitlements', target, ctx())).kind).toBe('Verified');
    });

    it('of which one refuses is left by the others all the same, and the step is not done', async () => {
      const { target, groups } = await person({ groups: 3 });
      script(({ method, path }) =>
        method === 'PATCH' && path.endsWith(groups[0] ?? '') ? scimError(403) : undefined,
      );
      expect((await connector.stripEntitlements?.(target, ctx()))?.kind).toBe('Forbidden');
      const left = await Promise.all(groups.map(membersOf));
      expect(left.map(members => members.length)).toEqual([2, 1, 1]);
    });

    it('that are gone need not be left, and cannot be joined again', async () => {
      const { target, groups } = await person({ groups: 2 });
      const taken = await connector.snapshot?.('stripEntitlements', target, ctx());
      await connector.stripEntitlements?.(target, ctx());
      await server.must('DELETE', `/Groups/${groups[0]}`);
      if (taken?.kind !== 'Snapshot') throw new Error('no snapshot');
      await connector.restore?.('stripEntitlements', taken.snapshot, target, ctx());
      const now = await connector.snapshot?.('stripEntitlements', target, ctx());
      expect(now).toMatchObject({ snapshot: { entries: [{ group: groups[1] }] } });
    });
  });

  it('gives nothing back to an account that was deleted meanwhile', async () => {
    const { target, groups } = await person({ groups: 1 });
    await server.must('DELETE', `/Users/${target.id}`);
    for (const step of ['stripEntitlements', 'suspend'] as const) {
      const snapshot = { entries: step === 'suspend' ? [{ active: true }] : [{ group: groups[0] ?? '' }] };
      expect(await connector.restore?.(step, snapshot, target, ctx())).toMatchObject({
        kind: 'Conflict',
        code: 'account.gone',
      });
    }
    expect(await membersOf(groups[0] ?? '')).toEqual([{ value: 'somebody-else' }]);
  });

  it('that answers a DELETE and keeps the user is seen through', async () => {
    const { target } = await person();
    script(({ method }) => (method === 'DELETE' ? { status: 204, headers: {}, body: '' } : undefined));
    expect((await connector.delete?.(target, ctx()))?.kind).toBe('Done');
    expect((await connector.verify('delete', target, ctx())).kind).toBe('StillPresent');
  });

  it('that answers with somebody else has not answered', async () => {
    const [one, two] = [await person(), await person()];
    script(({ method, path }) =>
      method === 'GET' && path.endsWith(one.target.id)
        ? scimReply(200, { schemas: [USER], id: two.target.id, userName: two.userName, active: false })
        : undefined,
    );
    expect((await connector.verify('suspend', one.target, ctx())).kind).toBe('Malformed');
    expect((await connector.suspend?.(one.target, ctx()))?.kind).toBe('Malformed');
  });
});
