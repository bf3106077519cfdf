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
  type Transient,
  type VerifyOutcome,
} from '@sever/connector-sdk';
import { backendsOf, backendsToStay, endBackends } from './backends.js';
import { postgresSettingsSchema, type PostgresSettings } from './config.js';
import { fromEntry, keyOf, toEntry, type Entitlement } from './entitlement.js';
import { entitlementsOf, versionOf } from './entitlements.js';
import { GrantChanges } from './grant-changes.js';
import { handOver } from './hand-over.js';
import { manifest } from './manifest.js';
import { absent, failureOf } from './outcomes.js';
import {
  literal,
  protectionOf,
  quoted,
  roleByOid,
  roleExists,
  rolesInScope,
  rolesNamed,
  type Role,
} from './role.js';
import { changeTransaction, Sessions, transaction } from './sessions.js';

/** Roles of a PostgreSQL server as a target. */
export const postgres = defineConnector<PostgresSettings>({
  manifest,
  parseSettings: settings => postgresSettingsSchema.parse(settings),
  connect: ({ settings, secret }) => new PostgresConnector(settings, new Sessions(settings, secret)),
});

/** A moment that is past for every clock: logins with an older password fail as well. */
const EXPIRED = '2000-01-01T00:00:00Z';

const sessionsRemain = (sessions: number): Transient => ({
  kind: 'Transient',
  code: 'sessions.remain',
  effectUnknown: false,
  evidence: { sessions },
});

class PostgresConnector implements Connector {
  private readonly grants: GrantChanges;

  constructor(
    private readonly settings: PostgresSettings,
    private readonly sessions: Sessions,
  ) {
    this.grants = new GrantChanges(sessions, settings.database);
  }

  locate(ref: SubjectRef, ctx: Ctx): Promise<Located | Outcome> {
    return this.guarded<Located>(false, () =>
      this.sessions.in(ctx, async (client): Promise<Located | Outcome> => {
        const { by, scope } = ctx.match;
        if (by !== 'userName')
          return {
            kind: 'Conflict',
            code: 'match.key-unknown',
            help: 'roles have a name and nothing else: match this instance by userName',
            evidence: {},
          };
        const found = await rolesInScope(client, await rolesNamed(client, ref.userName), scope);
        if (!found)
          return {
            kind: 'Conflict',
            code: 'match.scope-unknown',
            help: 'the scope of a role is { "memberOf": "<role>" }',
            evidence: {},
          };
        const [role] = found;
        if (!role) return absent('userName');
        if (found.length > 1)
          return {
            kind: 'Conflict',
            code: 'account.ambiguous',
            help: 'several roles differ in case only; rename one',
            evidence: { matches: found.length },
          };
        const protectedBy = protectionOf(role, this.settings);
        return { kind: 'Located', target: { id: role.oid, matchedBy: by, protectedBy }, evidence: {} };
      }),
    );
  }

  suspend(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.lock(target, ctx);
  }

  endSessions(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (): Promise<ActOutcome> => {
      const { ended, left } = await endBackends(this.sessions, target.id, ctx);
      if (left > 0) return sessionsRemain(left);
      return ended === 0
        ? { kind: 'AlreadyDone', evidence: {} }
        : { kind: 'Done', evidence: { sessions: ended } };
    });
  }

  /** The password stays, inert, so that a restore gives it back; it goes with the role. */
  revokeCredentials(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.lock(target, ctx);
  }

  stripEntitlements(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (role): Promise<ActOutcome> => {
      const entitlements = await this.entitlements(target, ctx);
      if (entitlements.length === 0) return { kind: 'AlreadyDone', evidence: {} };
      await this.grants.revoke(role, entitlements, ctx);
      return { kind: 'Done', evidence: { entitlements: entitlements.length } };
    });
  }

  delete(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (role): Promise<ActOutcome> => {
      if (!(await this.sessions.in(ctx, client => roleExists(client, this.settings.heir))))
        return {
          kind: 'Conflict',
          code: 'heir.missing',
          help: 'make the role that the settings name as heir',
          evidence: {},
        };
      for (const database of await this.sessions.databases(ctx)) await this.empty(role, database, ctx);
      const { left } = await endBackends(this.sessions, target.id, ctx);
      if (left > 0) return sessionsRemain(left);
      await ctx.permit();
      await this.sessions.in(ctx, client => client.query(`drop role ${quoted(role.name)}`));
      return { kind: 'Done', evidence: {} };
    });
  }

  verify(step: Step, target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    return this.guarded<VerifyOutcome>(false, async (): Promise<VerifyOutcome> => {
      const role = await this.role(target, ctx);
      if (!role) return this.verifyGone(step, target, ctx);
      switch (step) {
        case 'delete':
          return { kind: 'StillPresent', code: 'role.exists', evidence: {} };
        case 'stripEntitlements': {
          const { length } = await this.entitlements(target, ctx);
          return length === 0
            ? { kind: 'Verified', evidence: {} }
            : { kind: 'StillPresent', code: 'grants.left', evidence: { entitlements: length } };
        }
        case 'endSessions':
          return role.canLogin ? CAN_LOGIN : this.verifySessions(target, ctx);
        default:
          return role.canLogin ? CAN_LOGIN : { kind: 'Verified', evidence: {} };
      }
    });
  }

  snapshot(
    step: Step,
    target: Target,
    ctx: Ctx,
  ): Promise<{ kind: 'Snapshot'; snapshot: Snapshot } | Outcome> {
    return this.guarded<{ kind: 'Snapshot'; snapshot: Snapshot }>(false, async () => {
      const role = await this.role(target, ctx);
      if (!role) return absent('oid');
      const entries =
        step === 'stripEntitlements'
          ? (await this.entitlements(target, ctx)).map(toEntry)
          : [{ canLogin: role.canLogin, validUntil: role.validUntil }];
      return { kind: 'Snapshot', snapshot: { entries } };
    });
  }

  async restore(step: Step, snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    const answer =
      step === 'stripEntitlements'
        ? await this.regrant(snapshot, target, ctx)
        : await this.unlock(snapshot, target, ctx);
    if (answer.kind !== 'NotFound') return answer;
    return {
      kind: 'Conflict',
      code: 'account.gone',
      help: 'the role was dropped meanwhile; make a new one',
      evidence: {},
    };
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

  private entitlements(target: Target, ctx: Ctx): Promise<Entitlement[]> {
    return entitlementsOf(this.sessions, this.settings.database, target.id, ctx);
  }

  /** Acts on the role under its present name; one that became protected after it was adopted is refused. */
  private onRole(target: Target, ctx: Ctx, work: (role: Role) => Promise<ActOutcome>): Promise<ActOutcome> {
    return this.guarded<ActOutcome>(true, async (): Promise<ActOutcome> => {
      const role = await this.role(target, ctx);
      if (!role) return this.gone(target, ctx);
      const rule = protectionOf(role, this.settings);
      return rule === undefined ? work(role) : { kind: 'Protected', rule, evidence: {} };
    });
  }

  /** Dropping a role does not end its sessions, which go on with what everybody may do. */
  private async gone(target: Target, ctx: Ctx): Promise<ActOutcome> {
    if ((await backendsOf(this.sessions, target.id, ctx)) > 0) {
      const { left } = await endBackends(this.sessions, target.id, ctx);
      if (left > 0) return sessionsRemain(left);
    }
    return absent('oid');
  }

  /** Makes the role unable to log in, in a transaction that looks it up by oid once more. */
  private lock(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (role): Promise<ActOutcome> => {
      if (!role.canLogin) return { kind: 'AlreadyDone', evidence: {} };
      return this.alter(target, ctx, 'nologin', EXPIRED);
    });
  }

  private unlock(snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (role): Promise<ActOutcome> => {
      const [before] = snapshot.entries;
      const canLogin = before?.canLogin === true;
      const validUntil = typeof before?.validUntil === 'string' ? before.validUntil : null;
      if (role.canLogin === canLogin && role.validUntil === validUntil)
        return { kind: 'AlreadyDone', evidence: {} };
      return this.alter(target, ctx, canLogin ? 'login' : 'nologin', validUntil ?? 'infinity');
    });
  }

  private async alter(
    target: Target,
    ctx: Ctx,
    login: 'login' | 'nologin',
    until: string,
  ): Promise<ActOutcome> {
    await ctx.permit();
    return this.sessions.in(ctx, client =>
      transaction(client, async (): Promise<ActOutcome> => {
        const now = await roleByOid(client, target.id);
        if (!now) return absent('oid');
        await client.query(`alter role ${quoted(now.name)} ${login} valid until ${literal(until)}`);
        return { kind: 'Done', evidence: {} };
      }),
    );
  }

  private regrant(snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onRole(target, ctx, async (role): Promise<ActOutcome> => {
      const present = new Set((await this.entitlements(target, ctx)).map(keyOf));
      const missing = snapshot.entries.map(fromEntry).filter(e => !present.has(keyOf(e)));
      if (missing.length === 0) return { kind: 'AlreadyDone', evidence: {} };
      await this.grants.grant(role, missing, ctx);
      return { kind: 'Done', evidence: { entitlements: missing.length } };
    });
  }

  /** Leaves nothing of the role in one database: what it owned goes to the heir, what it granted to the owners. */
  private async empty(role: Role, database: string, ctx: Ctx): Promise<void> {
    await ctx.permit();
    await this.sessions.in(
      ctx,
      async client => {
        const version = await versionOf(client);
        await changeTransaction(client, async () => {
          await client.query(`reassign owned by ${quoted(role.name)} to ${quoted(this.settings.heir)}`);
          await handOver(client, role.oid, true, version);
          await client.query(`drop owned by ${quoted(role.name)}`);
        });
      },
      database,
    );
  }

  private async verifyGone(step: Step, target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    const sessions = await backendsOf(this.sessions, target.id, ctx);
    if (sessions > 0) return { kind: 'StillPresent', code: 'sessions.left', evidence: { sessions } };
    return step === 'delete' ? { kind: 'Verified', evidence: {} } : absent('oid');
  }

  private async verifySessions(target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    const sessions = await backendsToStay(this.sessions, target.id, ctx);
    return sessions === 0
      ? { kind: 'Verified', evidence: {} }
      : { kind: 'StillPresent', code: 'sessions.left', evidence: { sessions } };
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
      const connector = quoted(this.settings.user);
      const help = `give the connector role its rights: GRANT <role> TO ${connector} WITH ADMIN OPTION for every role it cuts and GRANT pg_signal_backend TO ${connector}, or make it a superuser`;
      return failureOf(error, isWrite, help);
    }
  }
}

const CAN_LOGIN: VerifyOutcome = { kind: 'StillPresent', code: 'role.can-login', evidence: {} };
