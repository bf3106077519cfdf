import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeverEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import { startIngress, type RunningIngress } from '../testing/running-ingress.js';
import { Storm } from '../testing/storm.js';

const LIMIT = 5;
const limits = { windowSeconds: 600, maxOptOuts: LIMIT, percent: 25, percentFloor: 100 };

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress(limits);
});
afterAll(() => ingress?.close());

const rest = (method: string, path: string, body?: unknown) =>
  ingress.ask(method, path, { token: ingress.apiToken, body });

const guardsOf = (events: readonly SeverEvent[]) =>
  events.flatMap(event => (event.type === 'sever.optout.staged.v1' ? [event.data.guard] : []));

describe('a storm of one connection', () => {
  it('by PATCH is held from the limit on, and every request is answered as ever', async () => {
    const storm = await Storm.of(ingress, LIMIT + 3);
    expect(await storm.patchEach()).toEqual(storm.people.map(() => 200));
    expect(await storm.counts()).toEqual({ requested: LIMIT, staged: 3 });
    expect(guardsOf(await storm.told())).toEqual(
      [6, 7, 8].map(count => ({
        rule: 'max-opt-outs',
        count: Math.min(count, LIMIT + 2),
        limit: LIMIT,
        windowSeconds: 600,
      })),
    );
  });

  it('by DELETE too', async () => {
    const storm = await Storm.of(ingress, LIMIT + 3);
    expect(await storm.deleteEach()).toEqual(storm.people.map(() => 204));
    expect(await storm.counts()).toEqual({ requested: LIMIT, staged: 3 });
  });

  it('by Bulk too: each of its operations counts', async () => {
    const storm = await Storm.of(ingress, LIMIT + 3);
    const statuses = await storm.bulk();
    expect(statuses.map(Number).every(status => status === 200 || status === 204)).toBe(true);
    expect(await storm.counts()).toEqual({ requested: LIMIT, staged: 3 });
  });

  it('by 64 requests at once too: exactly as many as may pass do', async () => {
    const storm = await Storm.of(ingress, 64);
    const halves = storm.people.map((id, i) =>
      i % 2 === 0 ? storm.switch(id, false) : storm.ask('DELETE', `/Users/${id}`),
    );
    const statuses = (await Promise.all(halves)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 204]));
    expect(await storm.counts()).toEqual({ requested: LIMIT, staged: 64 - LIMIT });
  });

  it('by 32 requests at a time, one after another: also those that overlap with others are counted', async () => {
    const storm = await Storm.of(ingress, 400, 'long');
    await rest('PUT', '/v1/governor', { tenant: 'long', maxOptOuts: 90, reason: 'spec' });
    const queue = storm.people.values();
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        for (const id of queue) await storm.switch(id, false);
      }),
    );
    expect(await storm.counts()).toEqual({ requested: 90, staged: 310 });
  });

  it('does not run on because the ingress was started anew in the middle of it', async () => {
    const storm = await Storm.of(ingress, LIMIT + 4);
    await storm.patchEach(storm.people.slice(0, 3));
    await ingress.restart();
    await storm.patchEach(storm.people.slice(3));
    expect(await storm.counts()).toEqual({ requested: LIMIT, staged: 4 });
  });

  it('leaves everybody else alone: a leaver of another connection, and one whom an operator opts out', async () => {
    const [storm, other] = [await Storm.of(ingress, LIMIT + 3), await Storm.of(ingress, 2)];
    await storm.patchEach();
    await other.patchEach(other.people.slice(0, 1));
    const asked = await rest('POST', '/v1/opt-outs', { tenant: 'acme', userName: other.name(1) });
    expect([asked.status, asked.json['state']]).toEqual([202, 'requested']);
    expect(await other.counts()).toEqual({ requested: 2 });
  });

  it('is over once the window is quiet', async () => {
    const storm = await Storm.of(ingress, LIMIT + 2);
    await storm.patchEach(storm.people.slice(0, LIMIT + 1));
    await ingress.db.owner.query(
      `update standing_opt_out set since = since - interval '601 seconds' where counts_for = $1`,
      [`connection:${storm.connection}`],
    );
    await storm.patchEach(storm.people.slice(LIMIT + 1));
    expect(await storm.counts()).toEqual({ requested: LIMIT + 1, staged: 1 });
    expect((await storm.told()).at(-1)?.type).toBe('sever.optout.requested.v1');
  });
});

describe('people who come and go', () => {
  it('count once', async () => {
    const storm = await Storm.of(ingress, LIMIT);
    const [flapping = '', ...others] = storm.people;
    for (let i = 0; i < LIMIT + 2; i += 1) {
      await storm.switch(flapping, false);
      await storm.switch(flapping, true);
      // As the coordinator does when everything is given back.
      await ingress.db.owner.query(
        `update standing_opt_out set phase = 'restored' where phase = 'restoring'`,
      );
    }
    await storm.patchEach(others);
    const counts = await storm.counts();
    expect(counts).toMatchObject({ requested: LIMIT + 2 + others.length });
    expect(counts['staged']).toBeUndefined();
  });

  it('do not hide those who leave beside them', async () => {
    const storm = await Storm.of(ingress, LIMIT + 2);
    const [flapping = '', ...others] = storm.people;
    for (const other of others) {
      await storm.switch(flapping, false);
      await storm.switch(flapping, true);
      await ingress.db.owner.query(
        `update standing_opt_out set phase = 'restored' where phase = 'restoring'`,
      );
      await storm.switch(other, false);
    }
    expect((await storm.counts())['staged']).toBeGreaterThan(0);
  });
});

describe('while an opt-out is staged', () => {
  const staged = async (): Promise<{ storm: Storm; last: string; subject: string; name: string }> => {
    const storm = await Storm.of(ingress, LIMIT + 1);
    await storm.patchEach();
    const last = storm.people.at(-1) ?? '';
    const [found] = await rows<{ subject: string }>(
      ingress.db.owner,
      'select subject from scim_resource where id = $1',
      [last],
    );
    return { storm, last, subject: found?.subject ?? '', name: storm.name(LIMIT) };
  };

  it('the person is not on the deny list, and is once it is approved', async () => {
    const { name, storm } = await staged();
    const optedOut = async () =>
      (await rest('GET', `/v1/subjects/opted-out?tenant=acme&userName=${encodeURIComponent(name)}`)).json;
    expect(await optedOut()).toEqual({ optedOut: false, since: null });
    await rest('POST', '/v1/staged-opt-outs/approve', {
      tenant: 'acme',
      connection: storm.connection,
      reason: 'meant',
    });
    expect(await optedOut()).toMatchObject({ optedOut: true });
  });

  it('the directory holds what the identity provider wrote', async () => {
    const { storm, last } = await staged();
    expect((await storm.ask('GET', `/Users/${last}`)).json['active']).toBe(false);
  });

  it('a repetition joins it, and who withdraws ends it at once', async () => {
    const { storm, last } = await staged();
    await storm.ask('DELETE', `/Users/${last}`);
    expect((await storm.told()).at(-1)?.type).toBe('sever.optout.repeated.v1');
    const again = await staged();
    await again.storm.switch(again.last, true);
    expect((await again.storm.told()).at(-1)?.type).toBe('sever.optout.restore-requested.v1');
    const [left] = await rows(
      ingress.db.owner,
      'select phase, staged from standing_opt_out where subject = $1',
      [again.subject],
    );
    expect(left).toEqual({ phase: 'restored', staged: false });
  });

  it('somebody else who asks for the same person does not let it through', async () => {
    const { name, storm } = await staged();
    const joined = await rest('POST', '/v1/opt-outs', { tenant: 'acme', userName: name });
    expect([joined.status, joined.json['state']]).toEqual([202, 'staged']);
    expect((await storm.counts())['repeated']).toBe(1);
  });
});

describe('without the governor', () => {
  let ungoverned: RunningIngress;
  beforeAll(async () => {
    ungoverned = await startIngress();
  });
  afterAll(() => ungoverned?.close());

  it('nothing is held and nothing is looked up', async () => {
    const storm = await Storm.of(ungoverned, 12);
    const statements = await ungoverned.statementsOf(() =>
      Promise.all([storm.patchEach(storm.people.slice(0, 8)), storm.deleteEach(storm.people.slice(8))]),
    );
    expect(await storm.counts()).toEqual({ requested: 12 });
    expect(statements.filter(sql => sql.includes('governor_limit'))).toEqual([]);
  });
});
