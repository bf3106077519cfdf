import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLoggedEvent, type SeverEvent } from '@sever/event-contracts';
import { rows } from '@sever/postgres';
import { startIngress, type Answer, type RunningIngress } from '../testing/running-ingress.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const MANY = 40;

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(() => ingress?.close());

/** A connection and what is asked through it. */
async function connected(tenant?: string) {
  const id = `c-${randomUUID().slice(0, 8)}`;
  const { token } = await ingress.connect(id, tenant);
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    ingress.ask(method, `/scim/v2/${id}/Users${path}`, { token, body, headers });
  const create = (userName: string, more: object = {}): Promise<Answer> =>
    ask('POST', '', { schemas: [USER], userName, active: true, ...more });
  const patch = (user: string, path: string, value: unknown, ifMatch?: string): Promise<Answer> =>
    ask(
      'PATCH',
      `/${user}`,
      { schemas: [PATCH_OP], Operations: [{ op: 'replace', path, value }] },
      ifMatch === undefined ? {} : { 'if-match': ifMatch },
    );
  return { id, ask, create, patch };
}

type Connected = Awaited<ReturnType<typeof connected>>;

const people = (at: Connected, count = MANY): Promise<string[]> =>
  created(
    at,
    Array.from({ length: count }, (_, i) => `p${i}-${at.id}@x.example`),
  );

async function created(at: Connected, names: readonly string[]): Promise<string[]> {
  const made = await Promise.all(names.map(name => at.create(name)));
  expect(made.map(m => m.status)).toEqual(made.map(() => 201));
  return made.map(m => String(m.json.id));
}

const logged = async (): Promise<SeverEvent[]> =>
  (
    await rows<{ value: Buffer }>(
      ingress.db.owner,
      `select value from log_record where topic = 'requests' order by ts`,
    )
  ).map(({ value }) => readLoggedEvent(value) as SeverEvent);

/** What the log tells of users of a connection, by type. */
const told = async (at: Connected): Promise<Map<string, SeverEvent[]>> =>
  Map.groupBy(
    (await logged()).filter(event => event.source === `/connections/${at.id}`),
    event => event.type,
  );

/** Lets nothing be appended for a second, so that whatever `work` asks for has to wait, however slow the machine is. */
async function heldUp<T>(work: () => Promise<T>): Promise<T> {
  const runner = ingress.db.owner.createQueryRunner();
  await runner.startTransaction();
  await runner.query('select 1 from log_partition order by topic, partition for update');
  const done = work();
  await sleep(1_000);
  await runner.rollbackTransaction();
  await runner.release();
  return done;
}

/** Runs `work` while somebody is about to open an opt-out of a person, and then does not. */
async function whileOpening<T>(subject: string, work: () => Promise<T>): Promise<T> {
  const runner = ingress.db.owner.createQueryRunner();
  await runner.startTransaction();
  await runner.query(
    `insert into standing_opt_out (opt_out_id, tenant, subject, request_event, phase, askers)
      select gen_random_uuid(), tenant, id, gen_random_uuid(), 'open', '[]' from subject where id = $1`,
    [subject],
  );
  const done = await work();
  await runner.rollbackTransaction();
  await runner.release();
  return done;
}

/** How often the server had to break a circle of transactions that waited for each other. */
async function deadlocks(): Promise<number> {
  const [row] = await rows<{ n: number }>(
    ingress.db.owner,
    'select deadlocks::int as n from pg_stat_database where datname = current_database()',
  );
  return row?.n ?? -1;
}

const statuses = (answers: readonly Answer[]): number[] => answers.map(a => a.status);

describe('opt-outs that come at once', () => {
  it('are each answered and told once, in few statements', async () => {
    const at = await connected();
    const ids = await people(at);
    let answers: Answer[] = [];
    const statements = await ingress.statementsOf(async () => {
      answers = await heldUp(() => Promise.all(ids.map(id => at.patch(id, 'active', false))));
    });
    expect(statuses(answers)).toEqual(ids.map(() => 200));
    expect(answers.map(a => [a.json.id, a.json.active])).toEqual(ids.map(id => [id, false]));
    expect(statements.filter(s => s.includes('update scim_resource')).length).toBeLessThan(MANY / 2);
    const requested = (await told(at)).get('sever.optout.requested.v1') ?? [];
    expect(new Set(requested.map(e => e.subject)).size).toBe(ids.length);
    expect(requested).toHaveLength(ids.length);
    const standing = await rows<{ n: number }>(
      ingress.db.owner,
      `select count(*)::int as n from standing_opt_out s join scim_resource r on r.subject = s.subject
        where r.connection = $1 and s.phase = 'open' and not r.active`,
      [at.id],
    );
    expect(standing).toEqual([{ n: ids.length }]);
  });

  it('answer with what is stored', async () => {
    const at = await connected();
    const ids = await people(at, 8);
    const answers = await Promise.all(ids.map(id => at.patch(id, 'active', false)));
    const read = await Promise.all(ids.map(id => at.ask('GET', `/${id}`)));
    expect(answers.map(a => a.json)).toEqual(read.map(r => r.json));
    expect(answers.map(a => a.headers.get('etag'))).toEqual(read.map(r => r.headers.get('etag')));
  });

  it('are one when they are about the same user', async () => {
    const at = await connected();
    const [id = '', ...others] = await people(at, 6);
    const asked = [...Array.from({ length: 10 }, () => id), ...others];
    const answers = await Promise.all(asked.map(one => at.patch(one, 'active', false)));
    expect(statuses(answers)).toEqual(asked.map(() => 200));
    expect((await told(at)).get('sever.optout.requested.v1')).toHaveLength(1 + others.length);
  });

  it('never lock each other out when two connections name the same people in another order', async () => {
    const [one, other] = [await connected(), await connected()];
    const names = ['a', 'b', 'c'].map(n => `${n}-${one.id}@x.example`);
    await Promise.all([created(one, names), created(other, names)]);
    const [first, second, third] = await rows<{ subject: string; here: string; there: string }>(
      ingress.db.owner,
      `select h.subject, h.id as here, t.id as there from scim_resource h join scim_resource t on t.subject = h.subject and t.connection = $2
        where h.connection = $1 order by h.subject`,
      [one.id, other.id],
    );
    const before = await deadlocks();
    const [here, there] = await whileOpening(second!.subject, async () => {
      const here = [first!, second!, third!].map(p => one.patch(p.here, 'active', false));
      await sleep(300);
      const there = [third!, first!].map(p => other.patch(p.there, 'active', false));
      await sleep(300);
      return [here, there] as const;
    });
    expect(statuses(await Promise.all([...here, ...there]))).toEqual([200, 200, 200, 200, 200]);
    expect(await deadlocks()).toBe(before);
  });

  it('make both connections askers when they are about the same person', async () => {
    const [one, other] = [await connected(), await connected()];
    const name = `both-${one.id}@x.example`;
    const [here, there] = [(await one.create(name)).json.id, (await other.create(name)).json.id];
    const beside = await people(one, 5);
    const answers = await Promise.all([
      ...beside.map(id => one.patch(id, 'active', false)),
      one.patch(String(here), 'active', false),
      other.patch(String(there), 'active', false),
    ]);
    expect(statuses(answers)).toEqual(answers.map(() => 200));
    const [person] = await rows<{ subject: string }>(
      ingress.db.owner,
      'select subject from scim_resource where id = $1',
      [here],
    );
    const types = (await logged()).filter(e => e.subject === person?.subject).map(e => e.type);
    expect(types.filter(type => type.includes('optout'))).toEqual([
      'sever.optout.requested.v1',
      'sever.optout.repeated.v1',
    ]);
    const askers = await rows<{ n: number }>(
      ingress.db.owner,
      'select jsonb_array_length(askers) as n from standing_opt_out s join scim_resource r on r.subject = s.subject where r.id = $1',
      [here],
    );
    expect(askers).toEqual([{ n: 2 }]);
  });
});

describe('people who are created at once', () => {
  const kinds = async (at: Connected): Promise<Record<string, number>> =>
    Object.fromEntries([...(await told(at))].map(([type, events]) => [type, events.length]));

  it('are each stored and told once, with a key of their own, in few statements', async () => {
    const at = await connected();
    let ids: string[] = [];
    const statements = await ingress.statementsOf(async () => {
      ids = await heldUp(() => people(at));
    });
    expect(statements.filter(s => s.includes('insert into scim_resource')).length).toBeLessThan(MANY / 2);
    expect(new Set(ids).size).toBe(MANY);
    expect(await kinds(at)).toEqual({ 'sever.subject.registered.v1': MANY });
    const kept = await rows<{ people: number; keys: number }>(
      ingress.db.owner,
      `select count(distinct p.id)::int as people, count(distinct k.subject)::int as keys from scim_resource r
         join subject p on p.id = r.subject join subject_key k on k.subject = p.id where r.connection = $1`,
      [at.id],
    );
    expect(kept).toEqual([{ people: MANY, keys: MANY }]);
    const answers = await Promise.all(ids.map(id => at.patch(id, 'active', false)));
    expect(statuses(answers)).toEqual(ids.map(() => 200));
  });

  it('answer with what is stored', async () => {
    const at = await connected();
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) => at.create(`a${i}-${at.id}@x.example`, { externalId: `e${i}` })),
    );
    const read = await Promise.all(made.map(m => at.ask('GET', `/${String(m.json.id)}`)));
    expect(made.map(m => m.json)).toEqual(read.map(r => r.json));
    expect(made.map(m => m.headers.get('etag'))).toEqual(read.map(r => r.headers.get('etag')));
  });

  it('are one when they have the same name', async () => {
    const at = await connected();
    const name = `same-${at.id}@x.example`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => at.create(i % 2 ? name : name.toUpperCase())),
    );
    expect(statuses(answers).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
    expect(await kinds(at)).toEqual({ 'sever.subject.registered.v1': 1 });
  });

  it('are one person when two connections bring them', async () => {
    const [one, other] = [await connected(), await connected()];
    const names = Array.from({ length: 12 }, (_, i) => `two${i}-${one.id}@x.example`);
    const answers = await Promise.all(names.flatMap(name => [one.create(name), other.create(name)]));
    expect(statuses(answers)).toEqual(answers.map(() => 201));
    const found = await rows<{ people: number }>(
      ingress.db.owner,
      'select count(distinct subject)::int as people from scim_resource where connection in ($1, $2)',
      [one.id, other.id],
    );
    expect(found).toEqual([{ people: names.length }]);
  });

  it('are two when only the externalId is the same', async () => {
    const at = await connected();
    const answers = await Promise.all(
      ['x', 'y'].map(n => at.create(`${n}-${at.id}@x.example`, { externalId: 'shared' })),
    );
    expect(statuses(answers)).toEqual([201, 201]);
    expect(answers[0]?.json.id).not.toBe(answers[1]?.json.id);
  });

  it('are refused one by one', async () => {
    const at = await connected();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        at.create(`r${i}-${at.id}@x.example`, { externalId: i === 4 ? randomText(8_000) : `e${i}` }),
      ),
    );
    expect(statuses(answers)).toEqual(answers.map((_, i) => (i === 4 ? 400 : 201)));
    expect(await kinds(at)).toEqual({ 'sever.subject.registered.v1': 9 });
  });

  it('wait for somebody who holds the name in another process', async () => {
    const at = await connected();
    const name = `held-${at.id}@x.example`;
    const runner = ingress.db.owner.createQueryRunner();
    await runner.startTransaction();
    await runner.query(`select pg_advisory_xact_lock(hashtextextended('acme' || e'\n' || $1, 0))`, [name]);
    const held = at.create(name);
    expect((await at.create(`free-${at.id}@x.example`)).status).toBe(201);
    await runner.rollbackTransaction();
    await runner.release();
    expect((await held).status).toBe(201);
  });
});

describe('changes that come at once', () => {
  it('are refused one by one: what is wrong with one is not told to the others', async () => {
    const at = await connected();
    const ids = await people(at, 12);
    const answers = await Promise.all(
      ids.map((id, i) => at.patch(id, 'displayName', i === 5 ? randomText(8_000) : `name ${i}`)),
    );
    expect(statuses(answers)).toEqual(ids.map((_, i) => (i === 5 ? 400 : 200)));
    expect((await told(at)).get('sever.subject.updated.v1')).toHaveLength(ids.length - 1);
    const read = await Promise.all(ids.map(id => at.ask('GET', `/${id}`)));
    expect(read.map(r => r.json.displayName)).toEqual(ids.map((_, i) => (i === 5 ? undefined : `name ${i}`)));
  });

  it('happen once per version', async () => {
    const at = await connected();
    const [id = ''] = await people(at, 1);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => at.patch(id, 'displayName', `n${i}`, 'W/"1"')),
    );
    expect(statuses(answers).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 412)]);
    expect((await told(at)).get('sever.subject.updated.v1')).toHaveLength(1);
  });

  it('all happen when they do not name a version, one after the other', async () => {
    const at = await connected();
    const [id = ''] = await people(at, 1);
    await Promise.all(Array.from({ length: 20 }, (_, i) => at.patch(id, 'displayName', `n${i}`)));
    expect((await told(at)).get('sever.subject.updated.v1')).toHaveLength(20);
    expect((await at.ask('GET', `/${id}`)).headers.get('etag')).toBe('W/"21"');
  });

  it('mix with reads of users who are there and who are not', async () => {
    const at = await connected();
    const ids = await people(at, 10);
    const answers = await Promise.all([
      ...ids.map(id => at.ask('GET', `/${id}`)),
      at.ask('GET', `/${randomUUID()}`),
      at.ask('GET', '/nobody'),
      at.patch('nobody', 'active', false),
    ]);
    expect(statuses(answers)).toEqual([...ids.map(() => 200), 404, 404, 404]);
    expect(answers.slice(0, ids.length).map(a => a.json.id)).toEqual(ids);
  });
});

/** Text that no compression makes short enough for an index. */
const randomText = (length: number): string =>
  Array.from({ length: Math.ceil(length / 36) }, () => randomUUID()).join('');
