import {
  PermitDenied,
  defineConnector,
  type ActOutcome,
  type Connector,
  type Ctx,
  type Located,
  type Outcome,
  type Snapshot,
  type Step,
  type SubjectRef,
  type Target,
  type VerifyOutcome,
} from '@sever/connector-sdk';
import type { PoolClient } from 'pg';
import { postgresSettingsSchema, type PostgresSettings } from './config.js';
import {
  entitlementsOf,
  fromEntry,
  grantStatement,
  revokeFor,
  toEntry,
  type Entitlement,
} from './entitlements.js';
import { manifest } from './manifest.js';
import { absent, failureOf } from './outcomes.js';
import { literal, protectionOf, quoted, roleByOid, rolesNamed, type Role } from './role.js';
import { Sessions, transaction } from './sessions.js';

/** Roles of a PostgreSQL server as a target. */
export const postgres = defineConnector<PostgresSettings>({
  manifest,
  parseSettings: settings => postgresSettingsSchema.parse(settings),
  connect: ({ settings, secret }) => new PostgresConnector(settings, new Sessions(settings, secret)),
});

/** A moment that is past for every clock: logins with an older password fail as well. */
const EXPIRED = '2000-01-01T00:00:00Z';
const TERMINATE_ROUNDS = 20;
const TERMINATE_WAIT_MS = 100;

class PostgresConnector implements Connector {
  constructor(
    private readonly settings: PostgresSettings,
    private readonly sessions: Sessions,
  ) {}

  locate(ref: SubjectRef, ctx: Ctx): Promise<Located | Outcome> {
    return this.guarded<Located>(false, async (): Promise<Located | Outcome> => {
      const found = await this.sessions.in(ctx, client => rolesNamed(client, ref.userName));
      const [role] = found;
      if (!role) return absent('userName');
      if (found.length > 1)
        return {
          kind: 'Conflict',
          code: 'account.ambiguous',
          help: 'several roles differ in case only; rename one',
          evidence: { matches: found.length },
        };
      const target: Target = {
        id: role.oid,
        matchedBy: 'userName',
        protectedBy: protectionOf(role, this.settings),
      };
      return { kind: 'Located', target, evidence: {} };
    });
  }

  suspend(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (client, role): Promise<ActOutcome> => {
      if (!role.canLogin) return { kind: 'AlreadyDone', evidence: {} };
      await ctx.permit();
      await client.query(`alter role ${quoted(role.name)} nologin valid until ${literal(EXPIRED)}`);
      return { kind: 'Done', evidence: {} };
    });
  }

  endSessions(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.guarded<ActOutcome>(true, async (): Promise<ActOutcome> => {
      if ((await this.backends(target, ctx)) === 0) return { kind: 'AlreadyDone', evidence: {} };
      let ended = 0;
      for (let round = 0; round < TERMINATE_ROUNDS; round += 1) {
        await ctx.permit();
        ended += await this.sessions.in(ctx, async client => {
          const killed = await client.query(
            'select pg_terminate_backend(pid) from pg_stat_activity where usesysid = $1::oid and pid <> pg_backend_pid()',
            [target.id],
          );
          return killed.rowCount ?? 0;
        });
        if ((await this.backends(target, ctx)) === 0) return { kind: 'Done', evidence: { sessions: ended } };
        await new Promise(resolve => setTimeout(resolve, TERMINATE_WAIT_MS));
      }
      return {
        kind: 'Transient',
        code: 'sessions.remain',
        effectUnknown: false,
        evidence: { sessions: ended },
      };
    });
  }

  /** The password stays, inert, so that a restore gives it back; it goes with the role. */
  revokeCredentials(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (client, role): Promise<ActOutcome> => {
      if (!role.canLogin) return { kind: 'AlreadyDone', evidence: {} };
      await ctx.permit();
      await client.query(`alter role ${quoted(role.name)} nologin valid until ${literal(EXPIRED)}`);
      return { kind: 'Done', evidence: {} };
    });
  }

  stripEntitlements(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.guarded<ActOutcome>(true, async (): Promise<ActOutcome> => {
      const role = await this.role(target, ctx);
      if (!role) return absent('oid');
      const entitlements = await entitlementsOf(this.sessions, target.id, ctx);
      if (entitlements.length === 0) return { kind: 'AlreadyDone', evidence: {} };
      await this.change(entitlements, ctx, (e, version) => revokeFor(e, role.name, version));
      return { kind: 'Done', evidence: { entitlements: entitlements.length } };
    });
  }

  delete(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.guarded<ActOutcome>(true, async (): Promise<ActOutcome> => {
      const role = await this.role(target, ctx);
      if (!role) return absent('oid');
      const guarded = protectionOf(role, this.settings);
      if (guarded !== undefined) return { kind: 'Protected', rule: guarded, evidence: {} };
      for (const database of await this.sessions.databases(ctx)) {
        await ctx.permit();
        await this.sessions.in(
          ctx,
          client =>
            transaction(client, async () => {
              await client.query(`reassign owned by ${quoted(role.name)} to ${quoted(this.settings.heir)}`);
              await client.query(`drop owned by ${quoted(role.name)}`);
            }),
          database,
        );
      }
      await ctx.permit();
      await this.sessions.in(ctx, client => client.query(`drop role ${quoted(role.name)}`));
      return { kind: 'Done', evidence: {} };
    });
  }

  verify(step: Step, target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    return this.guarded<VerifyOutcome>(false, async (): Promise<VerifyOutcome> => {
      const role = await this.role(target, ctx);
      if (step === 'delete')
        return role
          ? { kind: 'StillPresent', code: 'role.exists', evidence: {} }
          : { kind: 'Verified', evidence: {} };
      if (!role) return absent('oid');
      if (step === 'stripEntitlements') {
        const left = await entitlementsOf(this.sessions, target.id, ctx);
        return left.length === 0
          ? { kind: 'Verified', evidence: {} }
          : { kind: 'StillPresent', code: 'grants.left', evidence: { entitlements: left.length } };
      }
      if (role.canLogin) return { kind: 'StillPresent', code: 'role.can-login', evidence: {} };
      if (step !== 'endSessions') return { kind: 'Verified', evidence: {} };
      const sessions = await this.backends(target, ctx);
      return sessions === 0
        ? { kind: 'Verified', evidence: {} }
        : { kind: 'StillPresent', code: 'sessions.left', evidence: { sessions } };
    });
  }

  snapshot(
    step: Step,
    target: Target,
    ctx: Ctx,
  ): Promise<{ kind: 'Snapshot'; snapshot: Snapshot } | Outcome> {
    return this.guarded<{ kind: 'Snapshot'; snapshot: Snapshot }>(false, async () => {
      if (step === 'stripEntitlements') {
        const entitlements = await entitlementsOf(this.sessions, target.id, ctx);
        return { kind: 'Snapshot', snapshot: { entries: entitlements.map(toEntry) } };
      }
      const role = await this.role(target, ctx);
      if (!role) return absent('oid');
      return {
        kind: 'Snapshot',
        snapshot: { entries: [{ canLogin: role.canLogin, validUntil: role.validUntil }] },
      };
    });
  }

  restore(step: Step, snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (client, role): Promise<ActOutcome> => {
      if (step === 'stripEntitlements') {
        await this.change(snapshot.entries.map(fromEntry), ctx, (e, version) =>
          grantStatement(e, role.name, version),
        );
        return { kind: 'Done', evidence: { entitlements: snapshot.entries.length } };
      }
      const [before] = snapshot.entries;
      const until = typeof before?.validUntil === 'string' ? before.validUntil : 'infinity';
      await ctx.permit();
      await client.query(
        `alter role ${quoted(role.name)} ${before?.canLogin === true ? 'login' : 'nologin'} valid until ${literal(until)}`,
      );
      return { kind: 'Done', evidence: {} };
    });
  }

  probe(ctx: Pick<Ctx, 'signal'>): Promise<Outcome | { kind: 'Healthy' }> {
    return this.guarded<{ kind: 'Healthy' }>(false, async () => {
      await this.sessions.in(ctx, client => client.query('select 1'));
      return { kind: 'Healthy' };
    });
  }

  close(): Promise<void> {
    return this.sessions.close();
  }

  private role(target: Target, ctx: Ctx): Promise<Role | undefined> {
    return this.sessions.in(ctx, client => roleByOid(client, target.id));
  }

  /** Sessions of the role, counted on a new connection. */
  private backends(target: Target, ctx: Ctx): Promise<number> {
    return this.sessions.in(ctx, async client => {
      const found = await client.query<{ n: string }>(
        'select count(*) as n from pg_stat_activity where usesysid = $1::oid and pid <> pg_backend_pid()',
        [target.id],
      );
      return Number(found.rows[0]?.n ?? 0);
    });
  }

  /** One write on the role under its present name, inside a transaction that looked it up by oid. */
  private onRole(
    target: Target,
    ctx: Ctx,
    work: (client: PoolClient, role: Role) => Promise<ActOutcome>,
  ): Promise<ActOutcome> {
    return this.guarded<ActOutcome>(true, () =>
      this.sessions.in(ctx, client =>
        transaction(client, async () => {
          const role = await roleByOid(client, target.id);
          if (!role) return absent('oid');
          const rule = protectionOf(role, this.settings);
          return rule === undefined ? work(client, role) : { kind: 'Protected', rule, evidence: {} };
        }),
      ),
    );
  }

  /** Grants or revokes, database by database, each in one transaction. */
  private async change(
    list: readonly Entitlement[],
    ctx: Ctx,
    statement: (e: Entitlement, version: number) => string,
  ): Promise<void> {
    const databases = new Set(list.map(e => (e.kind === 'privilege' ? e.database : this.settings.database)));
    for (const database of databases) {
      await ctx.permit();
      const here = list.filter(
        e => (e.kind === 'privilege' ? e.database : this.settings.database) === database,
      );
      await this.sessions.in(
        ctx,
        async client => {
          const version = Number(
            (await client.query<{ v: string }>(`select current_setting('server_version_num') as v`)).rows[0]
              ?.v ?? 0,
          );
          await transaction(client, async () => {
            for (const e of here) await client.query(statement(e, version));
          });
        },
        database,
      );
    }
  }

  /** Errors of the server become outcomes; what Sever itself refused goes through. */
  private async guarded<T>(
    isWrite: boolean,
    work: () => Promise<T | Outcome>,
  ): Promise<T | ReturnType<typeof failureOf>> {
    try {
      return (await work()) as T;
    } catch (error) {
      if (error instanceof PermitDenied) throw error;
      const help = `grant the connector role its rights: GRANT <role> TO ${quoted(this.settings.user)} WITH ADMIN OPTION for every role it cuts, or make it a superuser`;
      return failureOf(error, isWrite, help);
    }
  }
}
