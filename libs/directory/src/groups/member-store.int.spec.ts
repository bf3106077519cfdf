import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { oneRow, rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { membersAfter, type Json, type JsonObject, type MembershipDelta } from '@sever/scim';
import fc from 'fast-check';
import { directoryMigrations } from '../directory-migrations.js';
import { createConnection } from '../connections/connections.js';
import { findResource, insertResource, removeResource } from '../resources/scim-resource-store.js';
import { createSubject } from '../resources/subject-store.js';
import { findGroup, insertGroup, updateGroup } from './group-store.js';
import { changeMembers, membersOf, type MembershipChange, type StoredMember } from './member-store.js';

const PEOPLE = 4;
const CROWD = 100_000;

const delta = (d: {
  clears?: boolean;
  remove?: readonly string[];
  add?: readonly JsonObject[];
}): MembershipDelta => ({
  clears: d.clears ?? false,
  remove: new Set(d.remove),
  add: new Map((d.add ?? []).map(member => [String(member.value), member])),
});
const named = (...values: string[]): JsonObject[] => values.map(value => ({ value }));

describe('the members of a group', () => {
  let db: TestDatabase;
  let group: string;
  const people: { id: string; subject: string }[] = [];

  async function person(name: string): Promise<{ id: string; subject: string }> {
    const { id: subject } = await createSubject(db.owner, 'acme', name);
    const attributes = { userName: name };
    const { id } = await insertResource(db.owner, {
      ...{ connection: 'idp', id: randomUUID(), tenant: 'acme', subject, attributes },
      ...{ userNameNorm: name, externalId: null, active: true },
    });
    return { id, subject };
  }

  async function newGroup(displayName = 'G'): Promise<string> {
    const id = randomUUID();
    const attributes = { displayName };
    await insertGroup(
      db.owner,
      { connection: 'idp', id, tenant: 'acme', attributes, memberCount: 0 },
      { isNameUnique: false },
    );
    return id;
  }

  beforeAll(async () => {
    db = await createTestDatabase(directoryMigrations);
    await createConnection(db.owner, { id: 'idp', tenant: 'acme', dialect: 'lenient' });
    await createConnection(db.owner, { id: 'other', tenant: 'acme', dialect: 'lenient' });
    for (let n = 0; n < PEOPLE; n += 1) people.push(await person(`p${n}@acme.example`));
  });
  beforeEach(async () => {
    group = await newGroup();
  });
  afterAll(() => db.drop());

  /** As writers do it: under the lock of the group, which counts its members. */
  const change = (id: string, d: MembershipDelta): Promise<MembershipChange> =>
    db.owner.transaction(async em => {
      const before = await findGroup(em, 'idp', id, { lock: true });
      if (!before) throw new Error('there is no such group');
      const done = await changeMembers(em, 'idp', id, d);
      const memberCount = before.memberCount + done.added.count - done.removed.count;
      await updateGroup(em, { ...before, memberCount }, { isNameUnique: false });
      return done;
    });
  const shown = ({ value, kind, data }: StoredMember): JsonObject => ({
    value,
    ...data,
    ...(kind && { type: kind }),
  });
  const members = async (id = group): Promise<JsonObject[]> =>
    (await membersOf(db.owner, 'idp', [id])).map(shown);
  const at = (n: number): { id: string; subject: string } => people[n] ?? { id: '', subject: '' };

  it('are known by what their value names, and kept when it names nothing', async () => {
    const inner = await newGroup('inner');
    const done = await change(
      group,
      delta({ add: [{ value: at(0).id, type: 'Group', display: 'one' }, ...named(inner, 'fake-member-id')] }),
    );
    expect(done).toEqual({
      added: { count: 3, groups: 1, subjects: [at(0).subject] },
      removed: { count: 0, groups: 0, subjects: [] },
      restated: 0,
    });
    expect(await members()).toEqual([
      { value: at(0).id, type: 'User', display: 'one' },
      { value: inner, type: 'Group' },
      { value: 'fake-member-id' },
    ]);
  });

  it('are nobody where the value belongs to another connection, or is written in another way', async () => {
    const { id: subject } = await createSubject(db.owner, 'acme', 'stranger');
    const { id: foreign } = await insertResource(db.owner, {
      ...{ connection: 'other', id: randomUUID(), tenant: 'acme', subject, attributes: {} },
      ...{ userNameNorm: 'stranger', externalId: null, active: true },
    });
    const done = await change(group, delta({ add: named(foreign, at(0).id.toUpperCase()) }));
    expect(done.added).toEqual({ count: 2, groups: 0, subjects: [] });
  });

  it('change once: a repetition does nothing', async () => {
    const joins = delta({ add: named(at(0).id, 'x') });
    await change(group, joins);
    expect(await change(group, joins)).toMatchObject({
      added: { count: 0 },
      removed: { count: 0 },
      restated: 0,
    });
    const leaves = delta({ remove: [at(0).id, 'nobody'] });
    expect((await change(group, leaves)).removed).toEqual({ count: 1, groups: 0, subjects: [at(0).subject] });
    expect((await change(group, leaves)).removed.count).toBe(0);
  });

  it('follow a plain set, whatever is done to them', async () => {
    const value = fc.oneof(fc.constantFrom('a', 'b', 'B', '', '\u{1f600}'), fc.nat(PEOPLE - 1));
    const member = fc.record({ value, display: fc.constantFrom('x', 'y') });
    const step = fc.record({
      clears: fc.boolean(),
      remove: fc.array(value, { maxLength: 4 }),
      add: fc.array(member, { maxLength: 4 }),
    });
    const real = (v: string | number): string => (typeof v === 'number' ? at(v).id : v);
    const typed = (m: Json): Json => {
      const it = m as JsonObject;
      return people.some(p => p.id === it.value) ? { ...it, type: 'User' } : it;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async steps => {
        const id = await newGroup();
        let model: Json[] = [];
        for (const s of steps) {
          const d = delta({
            clears: s.clears,
            remove: s.clears ? [] : s.remove.map(real),
            add: s.add.map(m => ({ ...m, value: real(m.value) })),
          });
          const before = new Set(model.map(m => (m as JsonObject).value));
          model = membersAfter(model, d);
          const after = new Set(model.map(m => (m as JsonObject).value));
          const done = await change(id, d);
          expect(done.added.count).toBe([...after].filter(v => !before.has(v)).length);
          expect(done.removed.count).toBe([...before].filter(v => !after.has(v)).length);
          expect(done.removed.subjects.length).toBe(
            people.filter(p => before.has(p.id) && !after.has(p.id)).length,
          );
        }
        const byValue = (a: Json, b: Json): number =>
          String((a as JsonObject).value) < String((b as JsonObject).value) ? -1 : 1;
        expect((await members(id)).toSorted(byValue)).toEqual(model.map(typed).toSorted(byValue));
        expect((await findGroup(db.owner, 'idp', id))?.memberCount).toBe(model.length);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('may be a hundred thousand; some more are found by index, all can be taken out at once', async () => {
    const crowd = (from: number): JsonObject[] =>
      named(...Array.from({ length: CROWD / 10 }, (_, n) => `m${from + n}`));
    for (let from = 0; from < CROWD; from += CROWD / 10)
      await change(group, delta({ add: crowd(from), remove: ['m5'] }));
    expect((await findGroup(db.owner, 'idp', group))?.memberCount).toBe(CROWD - 1);
    await db.owner.query('analyze scim_group_member');
    const plan = await rows<Record<string, string>>(
      db.owner,
      `explain delete from scim_group_member m where m.connection = 'idp' and m.group_id = '${group}' and m.value = any('{m1,m2}'::text[])`,
    );
    expect(JSON.stringify(plan)).toMatch(/Index Cond: [^"]*value = ANY/);
    const replaced = await change(group, delta({ clears: true, add: named('m7', 'new') }));
    expect(replaced.removed.count).toBe(CROWD - 2);
    expect(replaced.added.count).toBe(1);
    expect(await members()).toEqual(named('m7', 'new'));
  }, 120_000);

  it('know the groups that they are in', async () => {
    const member = await person('member of two');
    const second = await newGroup('H');
    await change(group, delta({ add: named(member.id) }));
    await change(second, delta({ add: named(member.id) }));
    expect(await findResource(db.owner, 'idp', member.id)).toMatchObject({
      groups: [
        { value: group, display: 'G', type: 'direct' },
        { value: second, display: 'H', type: 'direct' },
      ],
    });
    expect((await findResource(db.owner, 'idp', (await person('member of none')).id))?.groups).toBeNull();
  });

  it('leave every group when their resource is removed; the groups change with it', async () => {
    const leaver = await person(`leaver-${randomUUID()}`);
    const second = await newGroup();
    for (const id of [group, second]) await change(id, delta({ add: named(leaver.id, at(0).id) }));
    const before = await findGroup(db.owner, 'idp', second);
    await removeResource(db.owner, 'idp', leaver.id);
    for (const id of [group, second]) expect(await members(id)).toEqual([{ value: at(0).id, type: 'User' }]);
    expect(await findGroup(db.owner, 'idp', second)).toMatchObject({
      memberCount: 1,
      version: Number(before?.version) + 1,
    });
    expect(
      await oneRow(db.owner, 'select 1 as one from scim_resource where id = $1 and deleted_at is not null', [
        leaver.id,
      ]),
    ).toBeDefined();
  });
});
