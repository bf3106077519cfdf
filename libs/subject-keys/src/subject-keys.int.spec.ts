import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import {
  createSubjectKeys,
  makeKeyFolder,
  openKeyFolder,
  subjectKeyMigrations,
  type FieldBinding,
} from './index.js';
import { scratchKeyFolder } from './testing/index.js';

const field = (over: Partial<FieldBinding> = {}): FieldBinding => ({
  tenant: 'acme',
  subject: randomUUID(),
  eventId: randomUUID(),
  path: 'data.identifiers',
  ...over,
});

describe('subject keys', () => {
  let db: TestDatabase;
  const folder = scratchKeyFolder();
  const keys = createSubjectKeys(openKeyFolder(folder.dir));
  beforeAll(async () => {
    db = await createTestDatabase(subjectKeyMigrations);
    await db.owner.query('create table binding (tenant text, instance text)');
    await db.owner.query(`insert into binding values ('acme', 'keys-a')`);
  });
  afterAll(async () => {
    await db.drop();
    folder.dispose();
  });

  it('open what they encrypted, in a process that knows only the folder and the table', async () => {
    const f = field();
    const sealed = await keys.encrypt(db.owner, f, 'jürgen@example.test');
    expect(JSON.stringify(sealed)).not.toContain('jürgen');
    const other = createSubjectKeys(openKeyFolder(folder.dir));
    expect(await other.open(db.owner, f, sealed)).toEqual({ shredded: false, text: 'jürgen@example.test' });
  });

  it('hide the length of short texts', async () => {
    const f = field();
    const short = await keys.encrypt(db.owner, f, 'a');
    const longer = await keys.encrypt(db.owner, f, 'a'.repeat(60));
    expect(short.ct.length).toBe(longer.ct.length);
    expect(short.n).not.toBe(longer.n);
  });

  it.each([['tenant'], ['eventId'], ['path'], ['subject']] as const)(
    'do not open a ciphertext moved to another %s',
    async member => {
      const f = field();
      const sealed = await keys.encrypt(db.owner, f, 'secret');
      const moved = { ...f, [member]: member === 'tenant' ? 'globex' : randomUUID() };
      if (member === 'tenant') await keys.encrypt(db.owner, moved, 'x');
      await expect(keys.open(db.owner, moved, sealed)).rejects.toMatchObject({ code: 'key.mismatch' });
    },
  );

  it('check the key commitment before decrypting', async () => {
    const f = field();
    const sealed = await keys.encrypt(db.owner, f, 'secret');
    const forged = { ...sealed, kc: Buffer.alloc(32).toString('base64url') };
    await expect(keys.open(db.owner, f, forged)).rejects.toThrow(/was not made with key/);
  });

  it('tell a destroyed key from a missing one', async () => {
    const f = field();
    const sealed = await keys.encrypt(db.owner, f, 'secret');
    const fresh = (): ReturnType<typeof createSubjectKeys> => createSubjectKeys(openKeyFolder(folder.dir));
    await db.owner.query(
      `update subject_key set wrapped_dek = null, state = 'destroyed', destroyed_at = clock_timestamp() where subject = $1`,
      [f.subject],
    );
    expect(await fresh().open(db.owner, f, sealed)).toMatchObject({ shredded: true, classRef: 'subject' });
    await expect(fresh().encrypt(db.owner, f, 'again')).rejects.toMatchObject({ code: 'key.missing' });
    await db.owner.query('delete from subject_key where subject = $1', [f.subject]);
    await expect(fresh().open(db.owner, f, sealed)).rejects.toMatchObject({ code: 'key.missing' });
  });

  it('forget a key within a minute', async () => {
    let clock = 0;
    const aging = createSubjectKeys(openKeyFolder(folder.dir), () => clock);
    const f = field();
    await keys.encrypt(db.owner, f, 'x');
    const sealed = await aging.encrypt(db.owner, f, 'x');
    await aging.open(db.owner, f, sealed);
    await db.owner.query(
      `update subject_key set wrapped_dek = null, state = 'destroyed' where subject = $1`,
      [f.subject],
    );
    clock = 60_001;
    expect(await aging.open(db.owner, f, sealed)).toMatchObject({ shredded: true });
  });

  it('are one per subject when two transactions race', async () => {
    const f = field();
    const sealed = await Promise.all(
      [1, 2, 3, 4].map(() => createSubjectKeys(openKeyFolder(folder.dir)).encrypt(db.owner, f, 'x')),
    );
    expect(new Set(sealed.map(s => s.kc)).size).toBe(1);
  });

  it('do not remember a key whose transaction rolled back', async () => {
    const f = field();
    const undone = db.owner.transaction(async em => {
      await keys.encrypt(em, f, 'one');
      await keys.encrypt(em, f, 'two');
      throw new Error('roll back');
    });
    await expect(undone).rejects.toThrow('roll back');
    const sealed = await keys.encrypt(db.owner, f, 'three');
    expect(await createSubjectKeys(openKeyFolder(folder.dir)).open(db.owner, f, sealed)).toMatchObject({
      text: 'three',
    });
  });

  it('show a connector the keys of its tenants only', async () => {
    await keys.encrypt(db.owner, field(), 'x');
    await keys.encrypt(db.owner, field({ tenant: 'globex' }), 'x');
    const connector = await db.open(await db.urlAsConnector('keys-a'));
    const seen = await rows<{ tenant: string }>(connector, 'select distinct tenant from subject_key');
    expect(seen).toEqual([{ tenant: 'acme' }]);
    await expect(rows(connector, 'delete from subject_key')).rejects.toMatchObject({ code: '42501' });
  });

  it('leave nothing readable without the keys folder', async () => {
    const lost = scratchKeyFolder();
    const f = field();
    const sealed = await createSubjectKeys(openKeyFolder(lost.dir)).encrypt(db.owner, f, 'secret');
    rmSync(path.join(lost.dir, 'kek-0001.key'));
    expect(() => openKeyFolder(lost.dir)).toThrow(expect.objectContaining({ code: 'kek.missing' }));
    makeKeyFolder(lost.dir);
    const replaced = createSubjectKeys(openKeyFolder(lost.dir));
    await expect(replaced.open(db.owner, f, sealed)).rejects.toMatchObject({ code: 'key.mismatch' });
    expect(statSync(path.join(lost.dir, 'kek-0001.key')).mode & 0o777).toBe(0o600);
    lost.dispose();
  });
});
