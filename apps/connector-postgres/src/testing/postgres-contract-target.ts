import { randomBytes } from 'node:crypto';
import type { Connector, SubjectRef } from '@sever/connector-sdk';
import type {
  AccountState,
  AccountWish,
  ContractAccount,
  ContractTarget,
  Fault,
  InjectedFault,
  NegativeConfig,
  Place,
} from '@sever/connector-sdk/testing';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { Client, Pool } from 'pg';
import { postgres } from '../connector.js';
import { literal, quoted } from '../role.js';
import { PgGate } from './pg-gate.js';

type Server = Awaited<ReturnType<typeof startScratchPostgres>>;
type Door = { server: Server; gate: PgGate; admin: Pool };

export const PERSON_PASSWORD = 'a-password-of-the-target';
const CONNECTOR = 'sever_connector';
const HEIR = 'the_heir';
const PROTECTED = 'break_glass';
const SECOND_DATABASE = 'second';

/** Two servers, each behind a gate of its own. */
export class PostgresContractTarget implements ContractTarget {
  readonly scopes = [{ memberOf: 'tenant_acme' }, { memberOf: 'tenant_globex' }] as const;
  private people = 0;
  private sessions: Client[] = [];
  private shared: Promise<unknown> = Promise.resolve();

  private constructor(private readonly doors: Readonly<Record<Place, Door>>) {}

  static async start(): Promise<PostgresContractTarget> {
    const [first, second] = await Promise.all([openDoor(), openDoor()]);
    return new PostgresContractTarget({ first, second });
  }

  connect(at: Place): Connector {
    return this.open(this.settings(at), this.doors[at].server.password);
  }

  async makeAccount(wish: AccountWish = {}): Promise<ContractAccount> {
    const at = wish.at ?? 'first';
    const { admin } = this.doors[at];
    const userName = wish.userName ?? this.unusedName();
    const role = quoted(userName);
    await admin.query(`create role ${role} login password ${literal(PERSON_PASSWORD)}`);
    if (wish.scope) await admin.query(`grant ${quoted(wish.scope.memberOf ?? '')} to ${role}`);
    for (let i = 0; i < (wish.entitlements ?? 2); i += 1) await this.entitle(at, role, i);
    const found = await admin.query<{ oid: string }>('select oid::text from pg_roles where rolname = $1', [
      userName,
    ]);
    await this.openSession(at, userName);
    return { ref: this.ref(userName), id: found.rows[0]?.oid ?? '', at };
  }

  async stateOf({ id, at }: ContractAccount): Promise<AccountState> {
    const { admin } = this.doors[at];
    const found = await admin.query<{ rolname: string }>('select rolname from pg_roles where oid = $1::oid', [
      id,
    ]);
    const name = found.rows[0]?.rolname;
    const canEnter = name !== undefined && (await this.canLogin(at, name));
    const sessions = await admin.query<{ n: string }>(
      'select count(*) as n from pg_stat_activity where usesysid = $1::oid',
      [id],
    );
    return {
      exists: name !== undefined,
      canEnter,
      sessions: Number(sessions.rows[0]?.n),
      entitlements: (await this.entitlementsOf(at, id)).sort(),
    };
  }

  async removeAccount({ id, at }: ContractAccount): Promise<void> {
    const { admin } = this.doors[at];
    const name = quoted(await this.nameOf(at, id));
    for (const database of [SECOND_DATABASE, 'postgres'])
      await this.run(at, `drop owned by ${name}`, database);
    await admin.query(`drop role ${name}`);
  }

  async renameAccount({ id, at }: ContractAccount, userName: string): Promise<void> {
    await this.doors[at].admin.query(
      `alter role ${quoted(await this.nameOf(at, id))} rename to ${quoted(userName)}`,
    );
  }

  unusedName(): string {
    this.people += 1;
    return `Person "${this.people}" ${randomBytes(3).toString('hex')} \u00fc`;
  }

  inject(fault: Fault): Promise<InjectedFault> {
    return this.doors.first.gate.inject(fault);
  }

  traffic(): { calls: number; writes: number } {
    const [a, b] = [this.doors.first.gate.traffic(), this.doors.second.gate.traffic()];
    return { calls: a.calls + b.calls, writes: a.writes + b.writes };
  }

  secrets(): readonly string[] {
    return [this.doors.first.server.password, this.doors.second.server.password, PERSON_PASSWORD];
  }

  async protectedAccount(): Promise<ContractAccount> {
    const found = await this.doors.first.admin.query<{ oid: string }>(
      'select oid::text from pg_roles where rolname = $1',
      [PROTECTED],
    );
    const id = found.rows[0]?.oid;
    return id === undefined
      ? this.makeAccount({ userName: PROTECTED })
      : { ref: this.ref(PROTECTED), id, at: 'first' };
  }

  async ownAccount(): Promise<ContractAccount> {
    const found = await this.doors.first.admin.query<{ oid: string }>(
      'select oid::text from pg_roles where rolname = $1',
      [CONNECTOR],
    );
    return { ref: this.ref(CONNECTOR), id: found.rows[0]?.oid ?? '', at: 'first' };
  }

  async ambiguous(): Promise<SubjectRef> {
    const name = `twin ${(this.people += 1)}`;
    for (const spelling of [name, name.toUpperCase()])
      await this.doors.first.admin.query(`create role ${quoted(spelling)} login`);
    return this.ref(name);
  }

  negativeConfigs(): readonly NegativeConfig[] {
    const good = this.settings('first');
    const { password } = this.doors.first.server;
    const refused = (name: string, changes: object): NegativeConfig => ({
      name,
      expected: 'settings refused',
      parse: () => postgres.parseSettings({ ...good, ...changes }),
    });
    const answered = (
      name: string,
      expected: NegativeConfig['expected'],
      changes: object,
      secret: string | Error = password,
    ): NegativeConfig => ({ name, expected, connect: () => this.open({ ...good, ...changes }, secret) });
    return [
      answered('a wrong password', 'AuthFailed', {}, 'not-the-password'),
      answered('a password that cannot be read', 'AuthFailed', {}, new Error(`no file; it held ${password}`)),
      answered('a database that does not exist', 'AuthFailed', { database: 'no_such' }),
      answered('a role that does not exist', 'AuthFailed', { user: 'no_such' }),
      answered('an address where nobody listens', 'Transient', { port: 1 }),
      answered('TLS with a server that has none', 'Transient', { ssl: true }),
      refused('no heir', { heir: undefined }),
      refused('a field that nobody knows', { unknown: true }),
      refused('a port that is none', { port: 70_000 }),
      refused('a password in the settings', { passwordRef: password }),
    ];
  }

  /** Sessions that a check left open would fill the server. */
  async afterCheck(): Promise<void> {
    const sessions = this.sessions;
    this.sessions = [];
    await Promise.all(sessions.map(session => session.end().catch(() => undefined)));
  }

  async dispose(): Promise<void> {
    await this.afterCheck();
    for (const { gate, admin, server } of Object.values(this.doors)) {
      await gate.close();
      await admin.end();
      await server.dispose();
    }
  }

  private settings(at: Place): object {
    return {
      host: '127.0.0.1',
      port: this.doors[at].gate.port,
      database: 'postgres',
      user: CONNECTOR,
      passwordRef: 'env:UNUSED',
      heir: HEIR,
      protectedRoles: [PROTECTED],
    };
  }

  private open(settings: object, secret: string | Error): Connector {
    return postgres.connect({
      id: 'postgres',
      settings: postgres.parseSettings(settings),
      secret: () => (typeof secret === 'string' ? Promise.resolve(secret) : Promise.reject(secret)),
    });
  }

  private ref(userName: string): SubjectRef {
    return { tenant: 'acme', subject: 'subject', userName, externalId: `ext-${userName}` };
  }

  /** Memberships, and grants on tables of two databases, in turn; everybody shares the objects. */
  private entitle(at: Place, role: string, i: number): Promise<void> {
    return this.alone(async () => {
      const database = i % 3 === 1 ? 'postgres' : SECOND_DATABASE;
      if (i % 3 === 0) {
        await this.run(
          at,
          `do $$ begin create role group_${i} nologin; exception when duplicate_object then null; end $$; grant group_${i} to ${role}`,
        );
        return;
      }
      await this.run(
        at,
        `create table if not exists granted_${i} (a int, b int); grant select, update (b) on granted_${i} to ${role}`,
        database,
      );
    });
  }

  /** What the catalogues say of the objects that this adapter grants. */
  private async entitlementsOf(at: Place, oid: string): Promise<string[]> {
    const groups = await this.doors[at].admin.query<{ role: string }>(
      `select roleid::regrole::text as role from pg_auth_members where member = $1::oid`,
      [oid],
    );
    const acls = `
      select c.relname || ' ' || x.privilege_type as grant from pg_class c, aclexplode(c.relacl) x
       where c.relname ~ '^granted_' and x.grantee = ${oid}::oid
      union all select c.relname || '.' || a.attname || ' ' || x.privilege_type from pg_class c
       join pg_attribute a on a.attrelid = c.oid, aclexplode(a.attacl) x
       where c.relname ~ '^granted_' and x.grantee = ${oid}::oid`;
    const granted = await Promise.all(
      ['postgres', SECOND_DATABASE].map(async database =>
        (await this.run(at, acls, database)).map(row => `${database}: ${String(row.grant)}`),
      ),
    );
    return [...groups.rows.map(row => row.role), ...granted.flat()];
  }

  private async nameOf(at: Place, oid: string): Promise<string> {
    const found = await this.doors[at].admin.query<{ rolname: string }>(
      'select rolname from pg_roles where oid = $1::oid',
      [oid],
    );
    return found.rows[0]?.rolname ?? 'gone';
  }

  private async openSession(at: Place, user: string): Promise<void> {
    const session = await this.login(at, user);
    session.on('error', () => undefined);
    this.sessions.push(session);
  }

  /** Logs in and out, and waits until the server has forgotten it. */
  private async canLogin(at: Place, user: string): Promise<boolean> {
    const session = await this.login(at, user).catch(() => undefined);
    if (!session) return false;
    const { rows } = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
    await session.end();
    for (;;) {
      const left = await this.doors[at].admin.query('select 1 from pg_stat_activity where pid = $1', [
        rows[0]?.pid,
      ]);
      if (left.rows.length === 0) return true;
    }
  }

  private async login(at: Place, user: string): Promise<Client> {
    const session = new Client({
      host: '127.0.0.1',
      port: this.doors[at].server.port,
      user,
      password: PERSON_PASSWORD,
      database: 'postgres',
    });
    await session.connect();
    return session;
  }

  private async run(at: Place, sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const { server } = this.doors[at];
    const client = new Client({ connectionString: server.url.replace(/\/postgres$/, `/${database}`) });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** Two changes of one object's grants at the same time fail on the server. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.shared.then(work);
    this.shared = mine.catch(() => undefined);
    return mine;
  }
}

async function openDoor(): Promise<Door> {
  const server = await startScratchPostgres({ fsync: 'off', max_connections: '200' });
  const admin = new Pool({ connectionString: server.url, max: 4 });
  admin.on('error', () => undefined);
  await admin.query(
    `create role ${CONNECTOR} superuser login password ${literal(server.password)}; create role ${HEIR} nologin;
     create role tenant_acme nologin; create role tenant_globex nologin`,
  );
  await admin.query(`create database ${SECOND_DATABASE}`);
  return { server, admin, gate: await PgGate.open(server.port) };
}
