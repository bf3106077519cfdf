import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { PgGate } from './testing/pg-gate.js';
import { ctx, PASSWORD, ScratchServer } from './testing/scratch-server.js';

jest.setTimeout(120_000);

describe('sessions of a role', () => {
  let scratch: ScratchServer;
  beforeAll(async () => {
    scratch = await ScratchServer.start({ wal_level: 'replica', max_wal_senders: '2' });
  }, 60_000);
  afterAll(() => scratch?.dispose());

  async function over(session: { isOver: () => boolean }): Promise<void> {
    for (const deadline = Date.now() + 10_000; !session.isOver(); await sleep(20))
      if (Date.now() > deadline) throw new Error('the session lives on');
  }

  it('end in every database, idle, in a transaction, at work, in another role and sending WAL', async () => {
    const target = await scratch.person('busy', 'replication');
    await scratch.run('create role disguise nologin; grant disguise to busy; create table locked (a int)');
    await scratch.run('grant all on locked to busy');
    const [idle, elsewhere, holding, working, disguised, sending] = await Promise.all([
      scratch.session('busy'),
      scratch.session('busy', 'second'),
      scratch.session('busy'),
      scratch.session('busy'),
      scratch.session('busy'),
      scratch.session('busy', 'postgres', 'database'),
    ]);
    // It is a replication role no longer, but what it began as one goes on.
    await scratch.run('alter role busy noreplication');
    await holding.query('begin');
    await holding.query('insert into locked values (1)');
    const work = working.query('select pg_sleep(600)').catch((error: { code?: string }) => error.code);
    await disguised.query('set role disguise');
    const types = await scratch.run(
      `select distinct backend_type as t from pg_stat_activity where usesysid = ${target.id}::oid order by 1`,
    );
    expect(types.map(row => row.t)).toEqual(['client backend', 'walsender']);
    await scratch.act('suspend', target);
    expect(await scratch.proof('endSessions', target)).toBe('StillPresent');
    expect(await scratch.connector.endSessions?.(target, ctx())).toMatchObject({
      kind: 'Done',
      evidence: { sessions: 6 },
    });
    await Promise.all([idle, elsewhere, holding, working, disguised, sending].map(over));
    expect(await work).toBe('57P01');
    expect(await scratch.value('select count(*)::int from locked')).toBe(0);
    expect(await scratch.proof('endSessions', target)).toBe('Verified');
  });

  it('end as well when people log in all the time while the role is cut', async () => {
    const target = await scratch.person('eager');
    let stop = false;
    const alive: { isOver: () => boolean }[] = [];
    const storm = Array.from({ length: 4 }, async () => {
      while (!stop) {
        const session = await scratch.session('eager').catch(() => undefined);
        if (session) alive.push(session);
      }
    });
    try {
      while (alive.length < 5) await sleep(10);
      expect(await scratch.act('suspend', target)).toBe('Done');
      expect(['Done', 'AlreadyDone']).toContain(await scratch.act('endSessions', target));
      expect(await scratch.proof('endSessions', target)).toBe('Verified');
    } finally {
      stop = true;
      await Promise.all(storm);
    }
    await Promise.all(alive.map(over));
    expect(await scratch.proof('endSessions', target)).toBe('Verified');
  }, 60_000);

  it('do not outlive a role that somebody else dropped', async () => {
    const target = await scratch.person('orphan');
    const session = await scratch.session('orphan');
    await scratch.run('drop role orphan');
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    for (const step of ['suspend', 'endSessions', 'delete'] as const)
      expect(await scratch.proof(step, target)).toBe('StillPresent');
    expect(await scratch.act('suspend', target)).toBe('NotFound');
    await over(session);
    expect(await scratch.proof('delete', target)).toBe('Verified');
  });

  it('of protected roles stay', async () => {
    await scratch.run(`create role untouchable login password '${PASSWORD}'`);
    const session = await scratch.session('untouchable');
    const target = await scratch.locate('untouchable');
    expect(await scratch.act('endSessions', target)).toBe('Protected');
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('are ended by a connector that is no superuser but may signal and administer', async () => {
    const target = await scratch.person('plain');
    const session = await scratch.session('plain');
    await scratch.run(`create role sever_modest login createrole password '${PASSWORD}'`);
    const modest = scratch.as('sever_modest', PASSWORD);
    const refused = await modest.suspend?.(target, ctx());
    expect(refused).toMatchObject({ kind: 'AuthFailed', code: 'rights.missing' });
    const statements =
      refused && 'help' in refused ? [...refused.help.matchAll(/GRANT [^,]*?(?= for| and|,)/g)] : [];
    expect(statements.length).toBe(2);
    // What the help says is what has to be run.
    for (const [statement] of statements) await scratch.run(statement.replace('<role>', 'plain'));
    expect(await scratch.act('suspend', target, modest)).toBe('Done');
    expect(await scratch.act('endSessions', target, modest)).toBe('Done');
    await over(session);
    await modest.close();
  });
});

describe('connections of the connector itself', () => {
  let scratch: ScratchServer;
  beforeAll(async () => {
    scratch = await ScratchServer.start();
  }, 60_000);
  afterAll(() => scratch?.dispose());

  it('keep nobody from making or dropping a database', async () => {
    const target = await scratch.person('reader');
    expect(await scratch.act('stripEntitlements', target)).toBe('AlreadyDone');
    await scratch.run('create database another');
    await scratch.run('drop database second');
    expect(await scratch.act('stripEntitlements', target)).toBe('AlreadyDone');
  });
});

describe('a connection that is lost', () => {
  let scratch: ScratchServer;
  let gate: PgGate;
  beforeAll(async () => {
    scratch = await ScratchServer.start();
    gate = await PgGate.open(scratch.server.port);
    await scratch.run('create table shared (a int)', 'second');
  }, 60_000);
  afterAll(async () => {
    await gate?.close();
    await scratch?.dispose();
  });

  it.each(['suspend', 'stripEntitlements', 'delete'] as const)(
    'at any statement of %s ends neither the process nor the work',
    async step => {
      const through = scratch.as('sever_owner', scratch.server.password, gate.port);
      try {
        for (let at = 1, lost = 1; lost > 0; at += 1) {
          const name = `${step.toLowerCase()}_${at}`;
          const target = await scratch.person(name);
          await scratch.run(`grant select on shared to ${name}`, 'second');
          let n = 0;
          lost = 0;
          gate.onStatement = () => {
            n += 1;
            if (n !== at) return;
            lost += 1;
            gate.cut();
          };
          const acted = await scratch.act(step, target, through);
          gate.onStatement = undefined;
          expect(lost > 0 ? ['Transient', 'Done'] : ['Done']).toContain(acted);
          // Connections that stood idle were cut as well; each is noticed once.
          let again = acted;
          for (let tries = 0; tries < 10 && (tries === 0 || again === 'Transient'); tries += 1)
            again = await scratch.act(step, target, through);
          expect(['Done', 'AlreadyDone', 'NotFound']).toContain(again);
          expect(await scratch.proof(step, target)).toBe('Verified');
          if (at > 80) throw new Error('there is no end of statements');
        }
      } finally {
        await through.close();
      }
    },
    120_000,
  );
});

describe('names of roles', () => {
  let scratch: ScratchServer;
  beforeAll(async () => {
    scratch = await ScratchServer.start();
  }, 60_000);
  afterAll(() => scratch?.dispose());

  const find = async (userName: string): Promise<string> =>
    (await scratch.connector.locate({ tenant: 'acme', subject: 's', userName }, ctx())).kind;

  it('are found by any case, in a database that knows no case beyond ASCII as well', async () => {
    await scratch.run(`create database plain template template0 locale 'C' encoding 'UTF8'`);
    await scratch.run(`create role "Jörg.ÄÖÜ@Acme.Example" login`);
    const { connect, parseSettings } = (await import('./connector.js')).postgres;
    const plain = connect({
      id: 'plain',
      settings: parseSettings({
        host: '127.0.0.1',
        port: scratch.server.port,
        database: 'plain',
        user: 'sever_owner',
        passwordRef: 'env:UNUSED',
        heir: 'the_heir',
      }),
      secret: () => Promise.resolve(scratch.server.password),
    });
    const ref = { tenant: 'acme', subject: 's', userName: 'JÖRG.äöü@ACME.example' };
    expect((await plain.locate(ref, ctx())).kind).toBe('Located');
    expect((await plain.locate({ ...ref, userName: ref.userName.normalize('NFD') }, ctx())).kind).toBe(
      'Located',
    );
    await plain.close();
  });

  it('that are too long are nobody, not the one whose name the server would make of them', async () => {
    const cut = 'x'.repeat(63);
    await scratch.person(cut);
    expect(await find(cut)).toBe('Located');
    expect(await find(`${cut}y`)).toBe('NotFound');
    // 32 characters, but 64 bytes.
    await scratch.run(`create role "${'ü'.repeat(31)}" login`);
    expect(await find('ü'.repeat(32))).toBe('NotFound');
  });

  it.each([
    'with "quotes"',
    `with 'apostrophes'`,
    'with \\ backslash',
    'with ; drop role x',
    'ΣΊΣΥΦΟΣ',
    '👩‍💻',
    'true',
    'public role',
  ])('%s are cut, restored and dropped like any other', async name => {
    const target = await scratch.person(name);
    await scratch.run(`create role near login`).catch(() => undefined);
    const before = await scratch.snapshot('suspend', target);
    expect(await scratch.act('suspend', target)).toBe('Done');
    expect((await scratch.connector.restore?.('suspend', before, target, ctx()))?.kind).toBe('Done');
    expect(await scratch.snapshot('suspend', target)).toEqual(before);
    expect(await scratch.act('delete', target)).toBe('Done');
    expect(await scratch.proof('delete', target)).toBe('Verified');
    expect(await find('near')).toBe('Located');
  });

  it('that became those of a superuser, of replication or of row security after adoption are refused', async () => {
    const target = await scratch.person('promoted');
    for (const attribute of ['superuser', 'replication', 'bypassrls']) {
      await scratch.run(`alter role promoted ${attribute}`);
      for (const step of [
        'suspend',
        'endSessions',
        'revokeCredentials',
        'stripEntitlements',
        'delete',
      ] as const)
        expect(await scratch.act(step, target)).toBe('Protected');
      await scratch.run(`alter role promoted no${attribute}`);
    }
    expect(await scratch.value(`select rolcanlogin from pg_roles where rolname = 'promoted'`)).toBe(true);
  });

  it('with an end of validity get the same end back', async () => {
    const target = await scratch.person('limited', `valid until '2031-05-06 07:08:09+02'`);
    const before = await scratch.snapshot('suspend', target);
    await scratch.run(
      `alter database postgres set timezone to 'Asia/Kolkata'; alter database postgres set datestyle to 'SQL, DMY'`,
    );
    await scratch.act('suspend', target);
    await scratch.connector.restore?.('suspend', before, target, ctx());
    expect(
      await scratch.value(
        `select extract(epoch from rolvaliduntil)::int from pg_roles where rolname = 'limited'`,
      ),
    ).toBe(Date.parse('2031-05-06T05:08:09Z') / 1_000);
    expect(await scratch.snapshot('suspend', target)).toEqual(before);
  });
});
