import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrate, oneRow, roleMigrations } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import { directoryMigrations } from '../directory-migrations.js';
import { tokenHash } from '../registry/secrets.js';
import { connectionMigrations } from './connection-migrations.js';
import {
  addConnectionToken,
  connectionOfToken,
  endTokensAfter,
  noteTokenUse,
  revokeTokens,
} from './connection-tokens.js';
import { createConnection } from './connections.js';

describe('a database of the version with one token per connection', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    const former = directoryMigrations.filter(m => !connectionMigrations.includes(m));
    db = await createTestDatabase(former);
    await db.owner.query(`insert into tenant (id) values ('acme')`);
    await db.owner.query(
      `insert into connection (id, tenant, dialect, token_hash, retired_at)
       values ('live', 'acme', 'strict', $1, null), ('gone', 'acme', 'strict', $2, now())`,
      [tokenHash('live-token'), tokenHash('gone-token')],
    );
    await migrate(db.url, [...roleMigrations, ...directoryMigrations]);
  });
  afterAll(() => db?.drop());

  it('keeps its tokens, and those of retired connections stay without use', async () => {
    expect((await connectionOfToken(db.owner, 'live-token'))?.connection.id).toBe('live');
    expect(await connectionOfToken(db.owner, 'gone-token')).toBeUndefined();
  });

  it('forgets a token for the version before too when it ends', async () => {
    await revokeTokens(db.owner, 'live');
    expect(await connectionOfToken(db.owner, 'live-token')).toBeUndefined();
    expect(
      await oneRow(db.owner, 'select 1 as one from connection where id = $1 and token_hash is not null', [
        'live',
      ]),
    ).toBeUndefined();
  });
});

describe('the tokens of a connection', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase(directoryMigrations);
  });
  afterAll(() => db?.drop());

  const opens = async (token: string): Promise<boolean> =>
    (await connectionOfToken(db.owner, token)) !== undefined;
  const make = (id: string, expiresInSeconds: number | null = null) =>
    createConnection(db.owner, { id, tenant: 'acme', dialect: 'strict', expiresInSeconds });

  it('open it side by side while they overlap', async () => {
    const { token } = await make('overlap');
    const until = await endTokensAfter(db.owner, 'overlap', 3_600);
    const next = await addConnectionToken(db.owner, 'overlap');
    expect([await opens(token), await opens(next.token)]).toEqual([true, true]);
    const hours = ((until?.getTime() ?? 0) - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(1);
  });

  it('end at once without an overlap', async () => {
    const { token } = await make('now');
    expect(await endTokensAfter(db.owner, 'now', 0)).toBeNull();
    expect(await opens(token)).toBe(false);
  });

  it('end earlier when they were to end earlier', async () => {
    const { token } = await make('early', 60);
    const until = await endTokensAfter(db.owner, 'early', 86_400);
    expect((until?.getTime() ?? Infinity) - Date.now()).toBeLessThan(61_000);
    expect(await opens(token)).toBe(true);
  });

  it('open nothing after their end', async () => {
    const { token } = await make('ended', 3_600);
    await db.owner.query(
      `update connection_token set expires_at = clock_timestamp() - interval '1 second' where connection = 'ended'`,
    );
    expect(await opens(token)).toBe(false);
  });

  it('note their last use once in some minutes', async () => {
    const { token } = await make('used');
    const owner = await connectionOfToken(db.owner, token);
    expect(owner?.isUseUnnoted).toBe(true);
    await noteTokenUse(db.owner, owner?.token ?? '');
    const noted = () =>
      oneRow<{ at: Date }>(
        db.owner,
        `select last_used_at as at from connection_token where connection = 'used'`,
      );
    const first = await noted();
    expect((await connectionOfToken(db.owner, token))?.isUseUnnoted).toBe(false);
    await noteTokenUse(db.owner, owner?.token ?? '');
    expect(await noted()).toEqual(first);
    await db.owner.query(`update connection_token set last_used_at = now() - interval '6 minutes'`);
    expect((await connectionOfToken(db.owner, token))?.isUseUnnoted).toBe(true);
  });
});
