import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { eventually } from '@sever/event-log/testing';
import { rows } from '@sever/postgres';
import { createLogger } from '@sever/telemetry';
import { CompletionExpiry } from './completion-expiry.js';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';

const API = 'urn:ietf:params:scim:api:messages:2.0';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ASYNC_RESPONSE = 'urn:ietf:params:scim:event:misc:asyncresp';
const LATER = { prefer: 'respond-async' };

describe('a write whose client does not wait', () => {
  let ingress: RunningIngress;
  let token: string;
  let other: string;
  beforeAll(async () => {
    ingress = await startIngress();
    token = (await ingress.connect('later')).token;
    other = (await ingress.connect('other')).token;
  });
  afterAll(() => ingress?.close());

  const write = (method: string, path: string, body?: unknown, headers: Record<string, string> = LATER) =>
    ingress.ask(method, `/scim/v2/later/Users${path}`, {
      token,
      headers,
      ...(body !== undefined && { body }),
    });
  const patch = (id: string, value: object, headers?: Record<string, string>) =>
    write(
      'PATCH',
      `/${id}`,
      { schemas: [`${API}:PatchOp`], Operations: [{ op: 'replace', ...value }] },
      headers,
    );
  const made = async (): Promise<string> => {
    const body = { schemas: [USER], userName: `${randomUUID()}@x.example`, active: true };
    return String((await write('POST', '', body, {})).json.id);
  };
  const poll = (body: object, as = token, connection = 'later'): Promise<Answer> =>
    ingress.ask('POST', `/scim/v2/${connection}/SecurityEvents`, {
      token: as,
      body: { returnImmediately: true, ...body },
    });
  const setsOf = async (): Promise<[string, string][]> =>
    Object.entries((await poll({})).json.sets as Record<string, string>);

  /** Verified by a library with what the door publishes. */
  async function claimsOf(jwt: string): Promise<JWTPayload> {
    const published = await ingress.ask('GET', '/.well-known/jwks.json');
    const { payload, protectedHeader } = await jwtVerify(
      jwt,
      createLocalJWKSet(published.json as unknown as JSONWebKeySet),
      { issuer: ingress.baseUrl, audience: `${ingress.baseUrl}/scim/v2/later`, typ: 'secevent+jwt' },
    );
    expect(protectedHeader.alg).toBe('ES256');
    return payload;
  }

  /** The one token of a transaction, and forgets it. */
  async function completionOf(answer: Answer): Promise<JWTPayload | undefined> {
    const txn = answer.headers.get('set-txn');
    for (const [jti, jwt] of await setsOf()) {
      const claims = await claimsOf(jwt);
      if (claims['txn'] !== txn) continue;
      expect(claims.jti).toBe(jti);
      await poll({ ack: [jti], maxEvents: 0 });
      return claims;
    }
    return undefined;
  }

  /** What the projector would store of an opt-out. */
  const project = (
    optOutId: string,
    phase: string,
    cutAt: Date | null,
    state: { closedOutcome?: string; restoredAt?: string } = {},
  ): Promise<unknown> =>
    ingress.db.owner.query(
      `insert into rm_opt_out (opt_out_id, tenant, subject, phase, requested_at, cut_at, closed_at, state, req_off)
       values ($1, 'acme', gen_random_uuid(), $2, now(), $3, case when $2 = 'closed' then now() end, $4::jsonb, 0)
       on conflict (opt_out_id) do update set phase = excluded.phase, cut_at = excluded.cut_at, closed_at = excluded.closed_at,
         state = excluded.state`,
      [optOutId, phase, cutAt, JSON.stringify(state)],
    );
  const optOutOf = async (id: string): Promise<string> => {
    const [row] = await rows<{ id: string }>(
      ingress.db.owner,
      `select s.opt_out_id as id from standing_opt_out s join scim_resource r using (subject) where r.id = $1`,
      [id],
    );
    return row?.id ?? '';
  };

  function expectAccepted(answer: Answer): void {
    expect([answer.status, answer.text]).toEqual([202, '']);
    expect(answer.headers.get('preference-applied')).toBe('respond-async');
    expect(answer.headers.get('set-txn')).toMatch(/^[0-9a-f-]{36}$/);
  }

  it('is accepted, and done at once when nothing follows from it', async () => {
    const id = await made();
    const answer = await patch(id, { path: 'title', value: 'Chief' });
    expectAccepted(answer);
    expect(answer.headers.get('location')).toBe(`${ingress.baseUrl}/scim/v2/later/Users/${id}`);
    const claims = await completionOf(answer);
    expect(claims).toMatchObject({
      sub_id: { format: 'scim', uri: `/Users/${id}` },
      events: { [ASYNC_RESPONSE]: { method: 'PATCH', status: '200', version: 'W/"2"' } },
    });
    expect(claims).not.toHaveProperty('sub');
    expect(JSON.stringify(claims)).not.toContain('Chief');
  });

  it.each<[string, (id: string) => Promise<Answer>, object]>([
    [
      'a PATCH',
      id => patch(id, { path: 'active', value: false }),
      { method: 'PATCH', status: '200', version: 'W/"2"' },
    ],
    ['a DELETE', id => write('DELETE', `/${id}`), { method: 'DELETE', status: '204' }],
  ])('that opts out by %s is done when every system has let go', async (_how, leave, event) => {
    const id = await made();
    const answer = await leave(id);
    expectAccepted(answer);
    const optOutId = await optOutOf(id);
    expect(answer.headers.get('set-txn')).toBe(optOutId);
    expect(await completionOf(answer)).toBeUndefined();
    await project(optOutId, 'cutting', null);
    expect(await completionOf(answer)).toBeUndefined();
    const cutAt = new Date('2026-03-01T10:00:00.000Z');
    await project(optOutId, 'held', cutAt);
    const claims = await completionOf(answer);
    expect(claims?.['events']).toEqual({ [ASYNC_RESPONSE]: event });
    expect(claims?.['toe']).toBe(cutAt.getTime() / 1_000);
    expect(await completionOf(answer)).toBeUndefined();
  });

  it('that repeats an opt-out has a transaction of its own and is done with it', async () => {
    const id = await made();
    const first = await patch(id, { path: 'active', value: false }, {});
    expect(first.status).toBe(200);
    const answer = await write('DELETE', `/${id}`);
    const optOutId = await optOutOf(id);
    expect(answer.headers.get('set-txn')).not.toBe(optOutId);
    expect(await completionOf(answer)).toBeUndefined();
    await project(optOutId, 'held', new Date());
    expect((await completionOf(answer))?.['events']).toEqual({
      [ASYNC_RESPONSE]: { method: 'DELETE', status: '204' },
    });
  });

  it('whose opt-out was given back before it came to anything is told so', async () => {
    const id = await made();
    const answer = await patch(id, { path: 'active', value: false });
    await project(await optOutOf(id), 'restored', null);
    expect((await completionOf(answer))?.['events']).toMatchObject({
      [ASYNC_RESPONSE]: { status: '409', response: { schemas: [`${API}:Error`], status: '409' } },
    });
  });

  it('of somebody whose tenant is bound to nothing is done when that is decided', async () => {
    const id = await made();
    const answer = await patch(id, { path: 'active', value: false });
    await project(await optOutOf(id), 'closed', null, { closedOutcome: 'nothing-bound' });
    expect((await completionOf(answer))?.['events']).toMatchObject({ [ASYNC_RESPONSE]: { status: '200' } });
  });

  it('that takes back an opt-out which ended with its cut is not done before it was given back', async () => {
    const id = await made();
    await patch(id, { path: 'active', value: false }, {});
    const optOutId = await optOutOf(id);
    await project(optOutId, 'closed', new Date(), { closedOutcome: 'cut-only' });
    const answer = await patch(id, { path: 'active', value: true });
    expect(await completionOf(answer)).toBeUndefined();
    const restoredAt = '2026-03-01T11:00:00.000Z';
    await project(optOutId, 'restored', new Date(), { closedOutcome: 'cut-only', restoredAt });
    const claims = await completionOf(answer);
    expect(claims?.['events']).toMatchObject({ [ASYNC_RESPONSE]: { status: '200' } });
    expect(claims).toMatchObject({
      iat: Date.parse(restoredAt) / 1_000,
      toe: Date.parse(restoredAt) / 1_000,
    });
  });

  it('that takes back what was purged meanwhile is told so', async () => {
    const id = await made();
    await patch(id, { path: 'active', value: false }, {});
    const answer = await patch(id, { path: 'active', value: true });
    await project(await optOutOf(id), 'closed', new Date(), { closedOutcome: 'purged' });
    expect((await completionOf(answer))?.['events']).toMatchObject({ [ASYNC_RESPONSE]: { status: '409' } });
  });

  it('that takes an opt-out back is done when it was given back', async () => {
    const id = await made();
    await patch(id, { path: 'active', value: false }, {});
    const answer = await patch(id, { path: 'active', value: true });
    const optOutId = await optOutOf(id);
    await project(optOutId, 'restoring', new Date());
    expect(await completionOf(answer)).toBeUndefined();
    await project(optOutId, 'restored', new Date());
    expect((await completionOf(answer))?.['events']).toMatchObject({ [ASYNC_RESPONSE]: { status: '200' } });
  });

  it('that is wrong is answered at once, and nothing is told later', async () => {
    const before = (await setsOf()).length;
    const id = await made();
    const answers = [
      await write('POST', '', { schemas: [USER] }),
      await patch(id, { path: 'active', value: 'perhaps' }),
      await write('DELETE', `/${randomUUID()}`),
      await write('DELETE', `/${id}`, undefined, { ...LATER, 'if-match': 'W/"7"' }),
    ];
    expect(answers.map(a => a.status)).toEqual([400, 400, 404, 412]);
    for (const answer of answers) expect(answer.headers.get('set-txn')).toBeNull();
    expect(await setsOf()).toHaveLength(before);
  });

  it('is the same write in the log as one whose client waits', async () => {
    const [waits, doesNot] = [await made(), await made()];
    await patch(waits, { path: 'active', value: false }, {});
    await patch(doesNot, { path: 'active', value: false });
    const typesOf = (id: string) =>
      rows(
        ingress.db.owner,
        `select type from log_record where key = 'acme:' || (select subject from scim_resource where id = $1) order by "offset"`,
        [id],
      );
    expect(await typesOf(doesNot)).toEqual(await typesOf(waits));
  });

  describe('when it is told about', () => {
    it('is told again with the same id until it is acknowledged', async () => {
      await patch(await made(), { path: 'title', value: 'x' });
      const [first] = await setsOf();
      const [again] = await setsOf();
      expect(again?.[0]).toBe(first?.[0]);
      expect(await claimsOf(again?.[1] ?? '')).toEqual(await claimsOf(first?.[1] ?? ''));
      await poll({
        setErrs: { [first?.[0] ?? '']: { err: 'jwtCrypto', description: 'no key' } },
        maxEvents: 0,
      });
      expect(await setsOf()).toHaveLength(0);
    });

    it('comes in parts when there is much', async () => {
      const id = await made();
      for (const value of ['a', 'b', 'c']) await patch(id, { path: 'title', value });
      const part = await poll({ maxEvents: 2 });
      expect(Object.keys(part.json.sets as object)).toHaveLength(2);
      expect(part.json.moreAvailable).toBe(true);
      const ack = Object.keys(part.json.sets as object);
      const rest = await poll({ ack, maxEvents: 2 });
      expect([Object.keys(rest.json.sets as object).length, rest.json.moreAvailable]).toEqual([1, undefined]);
      await poll({ ack: Object.keys(rest.json.sets as object), maxEvents: 0 });
    });

    it('is waited for by a poll that wants to', async () => {
      const id = await made();
      const polled = poll({ returnImmediately: false });
      await patch(id, { path: 'title', value: 'waited for' });
      const sets = (await polled).json.sets as Record<string, string>;
      expect(Object.keys(sets)).toHaveLength(1);
      await poll({ ack: Object.keys(sets), maxEvents: 0 });
    });

    it('does not keep a process that stops', async () => {
      const stopping = await startIngress();
      const { token: mine } = await stopping.connect('stopping');
      const path = '/scim/v2/stopping/SecurityEvents';
      const polled = stopping.ask('POST', path, { token: mine, body: {} });
      // Whoever is answered after it has seen that the poll is there.
      for (let i = 0; i < 5; i += 1)
        await stopping.ask('POST', path, { token: mine, body: { maxEvents: 0 } });
      await stopping.close();
      expect((await polled).json).toEqual({ sets: {} });
    });

    it('is nothing for another connection, which can neither read nor acknowledge it', async () => {
      await patch(await made(), { path: 'title', value: 'mine' });
      const [mine] = await setsOf();
      expect((await poll({ ack: [mine?.[0]] }, other, 'other')).json).toEqual({ sets: {} });
      expect(await setsOf()).toHaveLength(1);
      expect((await poll({}, other)).status).toBe(401);
      await poll({ ack: [mine?.[0]], maxEvents: 0 });
    });

    it.each([
      [{ maxEvents: -1 }],
      [{ maxEvents: 'all' }],
      [{ ack: 'x' }],
      [{ ack: [1] }],
      [{ setErrs: [] }],
      [{ returnImmediately: 'yes' }],
    ])('is refused to a poll with %j', async body => {
      const answer = await poll(body);
      expect([answer.status, answer.json.detail]).toEqual([400, expect.any(String)]);
    });
  });

  it('is answered in the normal way where nothing is told later, and does not say otherwise', async () => {
    const before = (await setsOf()).length;
    const user = await made();
    const group = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'now' };
    const ask = (method: string, path: string, body?: object): Promise<Answer> =>
      ingress.ask(method, `/scim/v2/later${path}`, { token, headers: LATER, ...(body && { body }) });
    const created = await ask('POST', '/Groups', group);
    const path = `/Groups/${String(created.json.id)}`;
    const bulk = {
      schemas: [`${API}:BulkRequest`],
      Operations: [{ method: 'DELETE', path: `/Users/${user}` }],
    };
    const answers = [
      created,
      await ask('PUT', path, { ...group, displayName: 'still now' }),
      await ask('PATCH', path, {
        schemas: [`${API}:PatchOp`],
        Operations: [{ op: 'add', path: 'members', value: [{ value: user }] }],
      }),
      await ask('DELETE', path),
      await ask('POST', '/Bulk', bulk),
    ];
    expect(answers.map(a => a.status)).toEqual([201, 200, 200, 204, 200]);
    for (const { headers } of answers)
      expect([headers.get('preference-applied'), headers.get('set-txn')]).toEqual([null, null]);
    expect(await setsOf()).toHaveLength(before);
  });

  describe('and who never asks how it ended', () => {
    const DAY_MS = 86_400_000;
    const of = (jti: string | undefined) =>
      rows(ingress.db.owner, 'select 1 as there from scim_completion where jti = $1', [jti]);
    /** A day after which everything that is done today has been kept long enough. */
    const inDays = (days: number) => () => new Date(Date.now() + days * DAY_MS);
    const expiry = async (now: () => Date): Promise<CompletionExpiry> =>
      new CompletionExpiry(
        await ingress.db.open(await ingress.db.urlAs('sever_ingress')),
        createLogger('t', 'fatal'),
        now,
      );

    it('finds it for thirty days after it was done, and no longer', async () => {
      await patch(await made(), { path: 'title', value: 'never fetched' });
      const [jti] = (await setsOf()).at(-1) ?? [];
      await (await expiry(inDays(29))).expire();
      expect(await of(jti)).toHaveLength(1);
      await (await expiry(inDays(31))).expire();
      expect(await of(jti)).toHaveLength(0);
    });

    it('finds what was not done for long when it is done', async () => {
      const id = await made();
      const answer = await patch(id, { path: 'active', value: false });
      const optOutId = await optOutOf(id);
      await project(optOutId, 'cutting', null);
      await (await expiry(inDays(400))).expire();
      await project(optOutId, 'held', inDays(400)());
      await (await expiry(inDays(429))).expire();
      expect((await completionOf(answer))?.['txn']).toBe(optOutId);
    });

    it('keeps nothing of many for long: each look forgets some, the oldest first', async () => {
      await ingress.db.owner.query(
        `insert into scim_completion (connection, txn, method, uri, status, requested_at)
         select 'other', gen_random_uuid(), 'PATCH', '/Users/x', '200', now() - interval '60 days' - n * interval '1 second'
           from generate_series(1, 1500) n`,
      );
      const left = async () =>
        Number(
          (
            await rows<{ n: string }>(
              ingress.db.owner,
              `select count(*) as n from scim_completion where connection = 'other'`,
            )
          )[0]?.n,
        );
      const one = await expiry(() => new Date());
      await one.expire();
      expect(await left()).toBe(500);
      const [oldest] = await rows<{ days: number }>(
        ingress.db.owner,
        `select extract(epoch from now() - min(requested_at))::int / 86400 as days from scim_completion where connection = 'other'`,
      );
      expect(oldest?.days).toBe(60);
      await one.expire();
      expect(await left()).toBe(0);
    });

    it.each(['a poll', 'a write that does not wait'])('is looked for beside %s', async how => {
      const fresh = await startIngress();
      const { token: mine } = await fresh.connect('forgetful');
      await fresh.db.owner.query(
        `insert into scim_completion (connection, txn, method, uri, status, requested_at)
         values ('forgetful', gen_random_uuid(), 'PATCH', '/Users/x', '200', now() - interval '31 days')`,
      );
      const body =
        how === 'a poll' ? { maxEvents: 0 } : { schemas: [USER], userName: 'x@x.example', active: true };
      const path = how === 'a poll' ? 'SecurityEvents' : 'Users';
      await fresh.ask('POST', `/scim/v2/forgetful/${path}`, { token: mine, headers: LATER, body });
      const old = `select 1 as there from scim_completion where requested_at < now() - interval '30 days'`;
      await eventually('it is gone', async () => (await rows(fresh.db.owner, old)).length === 0);
      await fresh.close();
    });

    it('costs the others nothing: a process looks once in a minute, beside polls and such writes', async () => {
      let now = Date.now();
      const looks: Promise<void>[] = [];
      const one = await expiry(() => new Date(now));
      for (const passed of [0, 1_000, 58_000, 1_000, 59_999, 1]) {
        now += passed;
        looks.push(...[one.beside()].filter(look => look !== undefined));
      }
      await Promise.all(looks);
      expect(looks).toHaveLength(3);
    });
  });

  it('is signed by a key whose private part is not in the database', async () => {
    await ingress.ask('GET', '/.well-known/jwks.json');
    const [key] = await rows<{ text: string }>(
      ingress.db.owner,
      'select signing_key::text as text from signing_key',
    );
    expect(key?.text).not.toMatch(/PRIVATE|"d":/);
  });
});
