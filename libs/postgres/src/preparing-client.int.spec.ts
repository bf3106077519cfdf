import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { oneRow, rows } from './index.js';
import { createTestDatabase, type TestDatabase } from './testing/index.js';

const prepared = `select count(*)::int as n from pg_prepared_statements where statement like 'select $1::int +%'`;

describe('a connection of a pool', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase([]);
  });
  afterAll(() => db.drop());

  it('prepares a statement with parameters once, and gives each call its own answer', async () => {
    await db.owner.transaction(async em => {
      for (let i = 0; i < 10; i += 1)
        expect(await oneRow(em, 'select $1::int + 1 as sum', [i])).toEqual({ sum: i + 1 });
      expect(await oneRow(em, prepared)).toEqual({ n: 1 });
    });
  });

  it('goes on after a prepared statement failed', async () => {
    const divide = 'select 10 / $1::int as part';
    await expect(rows(db.owner, divide, [0])).rejects.toMatchObject({ code: '22012' });
    expect(await oneRow(db.owner, divide, [5])).toEqual({ part: 2 });
  });

  it('keeps a bounded number of statements', async () => {
    await db.owner.transaction(async em => {
      for (let i = 0; i < 400; i += 1)
        expect(await oneRow(em, `select $1::int + ${i} as sum`, [1])).toEqual({ sum: 1 + i });
      const kept = await oneRow<{ n: number }>(em, prepared);
      expect(kept?.n).toBeGreaterThan(200);
      expect(kept?.n).toBeLessThanOrEqual(300);
    });
  });
});
