import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeverEvent } from '@sever/event-contracts';
import { foldRequest, type RequestState } from '@sever/opt-out';
import { otherLiveSubject } from '@sever/directory';
import { rows } from '@sever/postgres';
import { startIngress, type RunningIngress } from '../testing/running-ingress.js';
import { Storm } from '../testing/storm.js';

const LIMIT = 3;
const REASON = 'a reorganisation, case-4711';

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress({ windowSeconds: 600, maxOptOuts: LIMIT, percent: 25, percentFloor: 100 });
});
afterAll(() => ingress?.close());

const rest = (method: string, path: string, body?: unknown) =>
  ingress.ask(method, path, { token: ingress.apiToken, body });

/** A storm of which `held` people are staged, and the opt-outs that wait. */
async function held(count: number, tenant?: string): Promise<{ storm: Storm; waiting: string[] }> {
  const storm = await Storm.of(ingress, LIMIT + count, tenant);
  await storm.patchEach();
  const waiting = (await storm.told()).flatMap(e =>
    e.type === 'sever.optout.staged.v1' ? [e.optoutid ?? ''] : [],
  );
  expect(waiting).toHaveLength(count);
  return { storm, waiting };
}

const stateOf = (events: readonly SeverEvent[], optOutId: string): RequestState | undefined =>
  events
    .filter(event => event.optoutid === optOutId)
    .reduce<RequestState | undefined>((state, event) => foldRequest(state, event), undefined);

const act = (id: string, action: string, more: object = {}) =>
  rest('POST', `/v1/opt-outs/${id}/${action}`, { reason: REASON, ...more });

describe('approval of one', () => {
  it('is the command for the cut, told with who and why, and its deadline counts from it', async () => {
    const { storm, waiting } = await held(2);
    const [id = '', other = ''] = waiting;
    const answer = await act(id, 'approve');
    expect(answer).toMatchObject({
      status: 202,
      json: {
        ...{ state: 'requested', needsAttention: false, attention: [] },
        timeline: [{ type: 'sever.optout.approved.v1', actor: 'operator' }],
      },
    });
    const told = await storm.told();
    const event = told.find(e => e.type === 'sever.optout.approved.v1');
    expect(event).toMatchObject({ optoutid: id, data: { actor: { kind: 'api', id: 'operator' } } });
    const state = stateOf(told, id);
    expect(state).toMatchObject({ phase: 'cutting', attention: [], commandEvent: event?.id });
    expect(state && Date.parse(state.cutDeadlineAt)).toBe(Date.parse(event?.time ?? '') + 60_000);
    expect(stateOf(told, other)).toMatchObject({ phase: 'staged', attention: [{ code: 'governor.staged' }] });
  });

  it('is there once: what does not wait is neither approved nor rejected', async () => {
    const { storm, waiting } = await held(1);
    const [id = ''] = waiting;
    await act(id, 'approve');
    for (const action of ['approve', 'reject']) {
      const answer = await act(id, action);
      expect([answer.status, answer.json['code']]).toEqual([409, 'opt-out.not-staged']);
    }
    expect((await storm.counts())['approved']).toBe(1);
  });

  it('carries what connectors need, sealed anew', async () => {
    const { storm, waiting } = await held(1);
    await act(waiting[0] ?? '', 'approve');
    const [staged, approved] = ['staged', 'approved'].map(what =>
      storm.told().then(told => told.find(e => e.type === `sever.optout.${what}.v1`)),
    );
    const [before, after] = [await staged, await approved];
    expect(after?.data).toMatchObject({ instances: [], nothingBound: true, cutDeadlineSeconds: 60 });
    expect((after?.data as { identifiers: object }).identifiers).not.toEqual(
      (before?.data as { identifiers: object }).identifiers,
    );
  });

  it('is refused while somebody else has the name', async () => {
    const { storm, waiting } = await held(1);
    const name = storm.name(LIMIT);
    const newcomer = await storm.ask('POST', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: name,
      externalId: 'somebody-new',
      active: true,
    });
    expect(newcomer.status).toBe(201);
    const answer = await act(waiting[0] ?? '', 'approve');
    expect([answer.status, answer.json['code']]).toEqual([409, 'opt-out.name-reclaimed']);
    const all = await rest('POST', '/v1/staged-opt-outs/approve', {
      tenant: 'acme',
      connection: storm.connection,
      reason: REASON,
    });
    expect(all.json).toEqual({ approved: 0, reclaimed: 1, waiting: 1, next: null });
    expect((await act(waiting[0] ?? '', 'reject')).status).toBe(202);
  });

  it('is of the whole opt-out', async () => {
    const { waiting } = await held(1);
    const answer = await act(waiting[0] ?? '', 'approve', { connector: 'scim' });
    expect([answer.status, answer.json['code']]).toEqual([400, 'request.invalid']);
  });
});

describe('rejection of one', () => {
  it('leaves evidence, asks nobody for anything, and the directory as it is', async () => {
    const { storm, waiting } = await held(1);
    expect(await act(waiting[0] ?? '', 'reject')).toMatchObject({ status: 202, json: { state: 'restored' } });
    const told = await storm.told();
    expect(told.at(-1)).toMatchObject({
      type: 'sever.optout.rejected.v1',
      data: { actor: { kind: 'api', id: 'operator' } },
    });
    expect((told.at(-1)?.data as { reason: unknown }).reason).toMatchObject({ alg: 'A256GCM' });
    expect(stateOf(told, waiting[0] ?? '')).toMatchObject({ phase: 'restored', attention: [], cutAt: null });
    const last = storm.people.at(-1) ?? '';
    expect((await storm.ask('GET', `/Users/${last}`)).json['active']).toBe(false);
  });

  it.each([
    ['a DELETE', async (storm: Storm, id: string) => void (await storm.ask('DELETE', `/Users/${id}`))],
    [
      'active true and then false',
      async (storm: Storm, id: string) => {
        await storm.switch(id, true);
        await storm.switch(id, false);
      },
    ],
  ])('is followed by a new request with %s', async (_name, ask) => {
    const { storm, waiting } = await held(1);
    await act(waiting[0] ?? '', 'reject');
    await ask(storm, storm.people.at(-1) ?? '');
    const openings = (await storm.told()).filter(e => e.type === 'sever.optout.staged.v1');
    expect(openings).toHaveLength(2);
  });
});

describe('all that wait', () => {
  it('are approved in batches, each person with an event, and only those of the connection', async () => {
    const [{ storm }, { storm: other }] = [await held(230), await held(1)];
    const body = { tenant: 'acme', connection: storm.connection, reason: REASON };
    const first = await rest('POST', '/v1/staged-opt-outs/approve', { ...body, limit: 120 });
    expect(first.json).toMatchObject({ approved: 120, waiting: 110 });
    const rest_ = { ...body, after: first.json['next'] };
    const second = await rest('POST', '/v1/staged-opt-outs/approve', rest_);
    expect(second.json).toEqual({ approved: 110, reclaimed: 0, waiting: 0, next: null });
    const approved = (await storm.told()).filter(e => e.type === 'sever.optout.approved.v1');
    expect(new Set(approved.map(e => e.subject)).size).toBe(230);
    expect(approved).toHaveLength(230);
    expect((await other.counts())['approved']).toBeUndefined();
  });

  it('are rejected likewise, those of the tenant and of no other', async () => {
    const [here, there] = [await held(2, 'one'), await held(1, 'another')];
    const answer = await rest('POST', '/v1/staged-opt-outs/reject', { tenant: 'one', reason: REASON });
    expect(answer.json).toEqual({ rejected: 2, reclaimed: 0, waiting: 0, next: null });
    expect(await here.storm.counts()).toMatchObject({ rejected: 2 });
    expect((await there.storm.counts())['rejected']).toBeUndefined();
  });
});

describe('what else operators may do while it is staged', () => {
  it('a legal hold stands when it is approved; retries and waivers have nothing to work on', async () => {
    const { storm, waiting } = await held(1);
    const [id = ''] = waiting;
    for (const [action, more] of [
      ['retry', {}],
      ['waive', { connector: 'scim' }],
    ] as const) {
      const answer = await act(id, action, more);
      expect([answer.status, answer.json['code']]).toEqual([409, 'opt-out.staged']);
    }
    expect((await act(id, 'hold')).status).toBe(202);
    expect((await act(id, 'approve')).status).toBe(202);
    expect(stateOf(await storm.told(), id)).toMatchObject({ phase: 'cutting', legalHold: true });
  });

  it('a restore ends it at once', async () => {
    const { storm, waiting } = await held(1);
    expect((await act(waiting[0] ?? '', 'restore')).status).toBe(202);
    expect(stateOf(await storm.told(), waiting[0] ?? '')).toMatchObject({ phase: 'restored', askers: [] });
    expect((await act(waiting[0] ?? '', 'approve')).json['code']).toBe('opt-out.not-staged');
  });
});

describe('the limits', () => {
  const sourceOf = async (storm: Storm): Promise<object> => {
    const { items } = (await rest('GET', `/v1/governor?tenant=${storm.tenant}`)).json as {
      items: { source: { id: string } }[];
    };
    return items.find(item => item.source.id === storm.connection) ?? {};
  };

  it('are shown per source, with what it did and how many wait', async () => {
    const { storm } = await held(2, 'shown');
    expect(await sourceOf(storm)).toEqual({
      source: { kind: 'connection', id: storm.connection },
      ...{ windowSeconds: 600, maxOptOuts: LIMIT, percent: 25, rule: 'max-opt-outs', limit: LIMIT },
      ...{ optOuts: LIMIT + 2, people: LIMIT + 2, waiting: 2 },
    });
  });

  it('are changed for one connection, for all of a tenant, and back, each told by an event', async () => {
    const storm = await Storm.of(ingress, LIMIT + 3, 'changed');
    const put = (more: object) => rest('PUT', '/v1/governor', { tenant: 'changed', reason: REASON, ...more });
    expect((await put({ maxOptOuts: 0 })).status).toBe(200);
    await put({ connection: storm.connection, maxOptOuts: LIMIT + 1, window: '5m' });
    expect(await sourceOf(storm)).toMatchObject({ limit: LIMIT + 1, windowSeconds: 300 });
    await storm.patchEach();
    expect(await storm.counts()).toEqual({ requested: LIMIT + 1, staged: 2 });
    await put({ connection: storm.connection, maxOptOuts: null });
    expect(await sourceOf(storm)).toMatchObject({ limit: 0, windowSeconds: 300 });
    const told = await rows<{ connection: string | null; max: string | null }>(
      ingress.db.owner,
      `select e -> 'data' ->> 'connection' as connection, e -> 'data' ->> 'maxOptOuts' as max
         from log_record l cross join lateral (select convert_from(l.value, 'utf8')::jsonb as e) x
        where e ->> 'type' = 'sever.connection.governor-changed.v1' and e ->> 'tenant' = 'changed' order by l.ts, l."offset"`,
    );
    expect(told).toEqual([
      { connection: null, max: '0' },
      { connection: storm.connection, max: String(LIMIT + 1) },
      { connection: storm.connection, max: null },
    ]);
  });

  it.each([
    [{ tenant: 'nowhere', maxOptOuts: 1, reason: REASON }, 404, 'tenant.unknown'],
    [{ tenant: 'acme', connection: 'nowhere', maxOptOuts: 1, reason: REASON }, 404, 'connection.unknown'],
    [{ tenant: 'acme', reason: REASON }, 400, 'request.invalid'],
    [{ tenant: 'acme', percent: 101, reason: REASON }, 400, 'request.invalid'],
  ])('are refused as %j', async (body, status, code) => {
    const answer = await rest('PUT', '/v1/governor', body);
    expect([answer.status, answer.json['code']]).toEqual([status, code]);
  });

  it('by percentage count the people whom the connection has', async () => {
    const storm = await Storm.of(ingress, 130, 'many');
    await rest('PUT', '/v1/governor', { tenant: 'many', maxOptOuts: 1_000, percent: 80, reason: REASON });
    await storm.bulk(storm.people.slice(0, 60));
    await storm.bulk(storm.people.slice(60));
    // 80 % of 130.
    expect(await storm.counts()).toEqual({ requested: 104, staged: 26 });
  });
});

describe('a name that two people had', () => {
  it('is not free for the purge of the first while the opt-out of the second waits', async () => {
    const storm = await Storm.of(ingress, LIMIT + 1, 'namesakes');
    const subjectOf = async (id: unknown): Promise<string> => {
      const [found] = await rows<{ subject: string }>(
        ingress.db.owner,
        'select subject from scim_resource where id = $1',
        [id],
      );
      return found?.subject ?? '';
    };
    const [first = '', ...others] = storm.people;
    await storm.ask('DELETE', `/Users/${first}`);
    const successor = await storm.ask('POST', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: storm.name(0),
      active: true,
    });
    await storm.patchEach(others);
    await storm.switch(String(successor.json['id']), false);
    expect((await storm.told()).at(-1)?.type).toBe('sever.optout.staged.v1');
    const [left, stays] = [await subjectOf(first), await subjectOf(successor.json['id'])];
    expect(left).not.toBe(stays);
    expect(await otherLiveSubject(ingress.db.owner, 'namesakes', left)).toBe(stays);
    await rest('POST', '/v1/staged-opt-outs/approve', { tenant: 'namesakes', reason: REASON });
    expect(await otherLiveSubject(ingress.db.owner, 'namesakes', left)).toBeUndefined();
  });
});

describe('the people of a connection that is retired', () => {
  it('are not held: the decision was made for all of them', async () => {
    const storm = await Storm.of(ingress, LIMIT + 3, 'retiring');
    const people = (await rest('GET', `/v1/connections/${storm.connection}/people`)).json['items'];
    const optOut = (subject: string, more: object) =>
      rest('POST', '/v1/opt-outs', { tenant: 'retiring', subject, ...more });
    const [first, ...others] = (people as { subject: string }[]).map(p => p.subject);
    const early = await optOut(first ?? '', { retiredConnection: storm.connection });
    expect([early.status, early.json['code']]).toEqual([409, 'connection.not-decided']);
    await rest('POST', `/v1/connections/${storm.connection}/retire`, { people: 'opt-out', reason: REASON });
    for (const subject of [first ?? '', ...others])
      expect((await optOut(subject, { retiredConnection: storm.connection })).json['state']).toBe(
        'requested',
      );
    expect(await storm.counts()).toEqual({ requested: LIMIT + 3 });
  });
});

describe('everything that is told about staged opt-outs', () => {
  it('is without names and reasons in clear, in the log and in the metrics', async () => {
    const { storm, waiting } = await held(1);
    await act(waiting[0] ?? '', 'reject');
    const [all] = await rows<{ n: number }>(
      ingress.db.owner,
      `select count(*)::int as n from log_record where convert_from(value, 'utf8')::jsonb ->> 'type' = 'sever.optout.staged.v1'
          and convert_from(value, 'utf8')::jsonb ->> 'tenant' = 'acme' and convert_from(value, 'utf8') like '%max-opt-outs%'`,
    );
    const [found] = await rows<{ n: number }>(
      ingress.db.owner,
      `select count(*)::int as n from log_record where convert_from(value, 'utf8') like '%case-4711%' or convert_from(value, 'utf8') like '%x.example%'`,
    );
    expect(found?.n).toBe(0);
    const metrics = (await ingress.ask('GET', '/metrics')).text;
    expect(metrics).toContain(
      `sever_governor_held_total{tenant="acme",rule="max-opt-outs",process="scim-ingress"} ${all?.n}\n`,
    );
    expect(metrics).not.toContain(storm.name(0));
  });
});
