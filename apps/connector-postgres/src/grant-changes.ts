import type { Ctx } from '@sever/connector-sdk';
import type { PoolClient } from 'pg';
import { grantStatements, revokeStatements, type Entitlement } from './entitlement.js';
import { versionOf } from './entitlements.js';
import { handOver } from './hand-over.js';
import { isMissing, isNotGrantable } from './outcomes.js';
import type { Role } from './role.js';
import { changeTransaction, type Sessions } from './sessions.js';

/** Changes what a role was granted, database by database, each in one transaction. */
export class GrantChanges {
  constructor(
    private readonly sessions: Sessions,
    private readonly main: string,
  ) {}

  revoke(role: Role, list: readonly Entitlement[], ctx: Ctx): Promise<void> {
    return this.perDatabase(list, ctx, async (client, here, version, database) => {
      await handOver(client, role.oid, database === this.main, version);
      for (const e of here)
        for (const statement of revokeStatements(e, role.name, version)) await client.query(statement);
    });
  }

  /** What cannot be granted any more because something it names has gone is left out; a later look sees it missing. */
  grant(role: Role, list: readonly Entitlement[], ctx: Ctx): Promise<void> {
    return this.perDatabase(list, ctx, async (client, here, version) => {
      for (const e of here) await this.tryGrant(client, grantStatements(e, role.name, version));
    });
  }

  private async tryGrant(client: PoolClient, statements: readonly string[]): Promise<void> {
    await client.query('savepoint one');
    try {
      for (const statement of statements) await client.query(statement);
      await client.query('release savepoint one');
    } catch (error) {
      if (!isMissing(error) && !isNotGrantable(error)) throw error;
      await client.query('rollback to savepoint one');
    }
  }

  private async perDatabase(
    list: readonly Entitlement[],
    ctx: Ctx,
    work: (client: PoolClient, here: Entitlement[], version: number, database: string) => Promise<void>,
  ): Promise<void> {
    const databaseOf = (e: Entitlement): string => (e.kind === 'membership' ? this.main : e.database);
    const wanted = new Set(list.map(databaseOf));
    for (const database of await this.sessions.databases(ctx)) {
      if (!wanted.has(database)) continue;
      const here = list.filter(e => databaseOf(e) === database);
      await ctx.permit();
      await this.sessions.in(
        ctx,
        async client => {
          const version = await versionOf(client);
          await changeTransaction(client, () => work(client, here, version, database));
        },
        database,
      );
    }
  }
}
