import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ctx, HEIR, ScratchServer } from './testing/scratch-server.js';

jest.setTimeout(120_000);

describe('what a role was granted', () => {
  let scratch: ScratchServer;
  beforeAll(async () => {
    scratch = await ScratchServer.start();
    await scratch.run(`
      create role readers nologin; create role writers nologin; create role makers nologin;
      create role granter login; create role friend login; create role friends_friend login;
      create schema private; create table private.notes (a int, "B b" int); create sequence private.numbers;
      create function private.double(int) returns int language sql return $1 * 2;
      create procedure private.work(int) language sql begin atomic select 1; end;
      create type private.mood as enum ('good', 'bad'); create domain private.age as int;
      create foreign data wrapper far; create server away foreign data wrapper far;
      select lo_create(4711)`);
    await scratch.run('create table notes (a int)', 'second');
  }, 60_000);
  afterAll(() => scratch?.dispose());

  /** Everything that can be granted, once. */
  const GRANTS = [
    'grant readers to LEAVER',
    'grant writers to LEAVER with admin true, inherit false, set true',
    'grant makers to LEAVER with admin false, inherit true, set false',
    'grant pg_monitor to LEAVER',
    'grant usage, create on schema private to LEAVER',
    'grant select, insert on private.notes to LEAVER with grant option',
    'grant update ("B b"), references (a) on private.notes to LEAVER',
    'grant usage on sequence private.numbers to LEAVER',
    'grant execute on function private.double(int) to LEAVER',
    'grant execute on procedure private.work(int) to LEAVER',
    'grant usage on type private.mood to LEAVER',
    'grant usage on domain private.age to LEAVER',
    'grant usage on language plpgsql to LEAVER',
    'grant usage on foreign data wrapper far to LEAVER',
    'grant usage on foreign server away to LEAVER',
    'grant select on large object 4711 to LEAVER',
    'grant connect, create on database second to LEAVER',
    'grant create on tablespace pg_default to LEAVER',
    'grant set on parameter work_mem to LEAVER',
    'alter default privileges for role granter in schema private grant select on tables to LEAVER',
    'alter default privileges for role granter grant execute on functions to LEAVER with grant option',
  ] as const;

  it('goes, whatever it is on, and comes back exactly as it was', async () => {
    const target = await scratch.person('Leaver "x"');
    for (const grant of GRANTS) await scratch.run(grant.replace('LEAVER', '"Leaver ""x"""'));
    await scratch.run('grant select on notes to "Leaver ""x"""', 'second');
    const before = await scratch.snapshot('stripEntitlements', target);
    // Some grants are of several privileges.
    expect(before.entries).toHaveLength(GRANTS.length + 5);
    expect(await scratch.act('stripEntitlements', target)).toBe('Done');
    expect(await scratch.proof('stripEntitlements', target)).toBe('Verified');
    const dependencies = `select count(*)::int from pg_shdepend where refobjid = ${target.id}::oid`;
    expect(await scratch.value(dependencies)).toBe(0);
    expect((await scratch.connector.restore?.('stripEntitlements', before, target, ctx()))?.kind).toBe(
      'Done',
    );
    expect(await scratch.snapshot('stripEntitlements', target)).toEqual(before);
    expect(
      await scratch.run(
        `select admin_option as a, inherit_option as i, set_option as s from pg_auth_members
          where member = ${target.id}::oid and roleid in ('readers'::regrole, 'writers'::regrole, 'makers'::regrole) order by roleid`,
      ),
    ).toEqual([
      { a: false, i: true, s: true },
      { a: true, i: false, s: true },
      { a: false, i: true, s: false },
    ]);
  });

  it('by somebody who is not the owner goes and comes back as well', async () => {
    const target = await scratch.person('granted_twice');
    await scratch.run(`
      grant usage on schema private to granter; grant select on private.notes to granter with grant option;
      grant readers to granter with admin option; grant select on private.notes to granted_twice;
      set role granter; grant select on private.notes to granted_twice; grant readers to granted_twice`);
    const before = await scratch.snapshot('stripEntitlements', target);
    expect(before.entries.map(entry => entry.grantor).sort()).toEqual(['granter', 'granter', null]);
    expect(await scratch.act('stripEntitlements', target)).toBe('Done');
    expect(await scratch.proof('stripEntitlements', target)).toBe('Verified');
    await scratch.connector.restore?.('stripEntitlements', before, target, ctx());
    expect(await scratch.snapshot('stripEntitlements', target)).toEqual(before);
  });

  it.each(['stripEntitlements', 'delete'] as const)(
    'and passed on to others stays theirs after %s',
    async step => {
      const name = `patron_${step.toLowerCase()}`;
      const target = await scratch.person(name);
      await scratch.run(`
        grant usage on schema private to ${name} with grant option; grant writers to ${name} with admin option;
        grant select on private.notes to ${name} with grant option; grant update (a) on private.notes to ${name} with grant option;
        grant connect on database second to ${name} with grant option;
        set role ${name}; grant usage on schema private to friend; grant writers to friend with inherit false;
        grant select on private.notes to friend with grant option; grant update (a) on private.notes to public;
        grant connect on database second to friend;
        reset role; grant usage on schema private to friends_friend; set role friend;
        grant select on private.notes to friends_friend`);
      expect(await scratch.act(step, target)).toBe('Done');
      expect(await scratch.proof(step, target)).toBe('Verified');
      const kept = `select has_schema_privilege('friend', 'private', 'usage') as schema,
        has_table_privilege('friend', 'private.notes', 'select with grant option') as table,
        has_table_privilege('friends_friend', 'private.notes', 'select') as chain,
        has_column_privilege('friends_friend', 'private.notes', 'a', 'update') as column,
        has_database_privilege('friend', 'second', 'connect') as database,
        (select inherit_option from pg_auth_members where member = 'friend'::regrole and roleid = 'writers'::regrole) as inherits`;
      expect(await scratch.run(kept)).toEqual([
        { schema: true, table: true, chain: true, column: true, database: true, inherits: false },
      ]);
      await scratch.run(`revoke select on private.notes from friend cascade; revoke update (a) on private.notes from public;
        revoke usage on schema private from friend; revoke writers from friend`);
    },
  );

  it('cannot come back where it has gone, and then the rest comes back', async () => {
    const target = await scratch.person('late');
    await scratch.run(`create role short_lived; create table short_lived_table (); create schema kept;
      grant short_lived to late; grant select on short_lived_table to late; grant usage on schema kept to late`);
    const before = await scratch.snapshot('stripEntitlements', target);
    await scratch.act('stripEntitlements', target);
    await scratch.run('drop table short_lived_table; drop role short_lived');
    expect((await scratch.connector.restore?.('stripEntitlements', before, target, ctx()))?.kind).toBe(
      'Done',
    );
    const after = await scratch.snapshot('stripEntitlements', target);
    expect(after.entries).toMatchObject([{ object: 'SCHEMA kept' }]);
  });

  it('on things that the role itself owns is no entitlement', async () => {
    const target = await scratch.person('owner');
    await scratch.run(`create table mine (a int); alter table mine owner to owner; grant select (a) on mine to owner;
      grant select on mine to friend`);
    expect((await scratch.snapshot('stripEntitlements', target)).entries).toEqual([]);
    await scratch.run('create schema attic authorization owner');
    await scratch.run('create database third owner owner');
    await scratch.run('create table other (); alter table other owner to owner', 'third');
    expect(await scratch.act('delete', target)).toBe('Done');
    expect(await scratch.value(`select relowner::regrole::text from pg_class where relname = 'mine'`)).toBe(
      HEIR,
    );
    expect(await scratch.value(`select tableowner from pg_tables where tablename = 'other'`, 'third')).toBe(
      HEIR,
    );
    expect(await scratch.value(`select datdba::regrole::text from pg_database where datname = 'third'`)).toBe(
      HEIR,
    );
    expect(await scratch.value(`select has_table_privilege('friend', 'mine', 'select')`)).toBe(true);
  });

  it('names something that has gone: that is no absence of the role', async () => {
    const target = await scratch.person('kept');
    await scratch.run(`alter role ${HEIR} rename to renamed_heir`);
    expect(await scratch.connector.delete?.(target, ctx())).toMatchObject({
      kind: 'Conflict',
      code: 'heir.missing',
    });
    await scratch.run(`alter role renamed_heir rename to ${HEIR}`);
    expect(await scratch.act('delete', target)).toBe('Done');
  });
});
