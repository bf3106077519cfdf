import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { oneRow, rows } from './index.js';
import { createTestDatabase, type TestDatabase } from './testing/index.js';

const prepared = `select count(distinct statement)::int as n from pg_prepared_statements where statement like 'select $1::int +%'`;
const ANEW = `select count(*)::int as n from pg_prepared_statements where statement = 'select $1::int + 7 as sum'`;

describe('a connection of a pool', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase([]);
  });
  afterAll(() => db.drop());

  it('prepares a statement with parameters once, and gives each call its own answer', async () => {
    await db.owner.transaction(async em => {
      for (let i = 0; i < 9; i += 1)
        expect(await oneRow(em, 'select $1::int + 1 as sum', [i])).toEqual({ sum: i + 1 });
      expect(await oneRow(em, prepared)).toEqual({ n: 1 });
    });
  });

  it('prepares it anew after 10, 100 and 1,000 uses: its plan is for the tables as they are by then', async () => {
    await db.owner.transaction(async em => {
      const kept: unknown[] = [];
      for (let i = 1; i <= 1_100; i += 1) {
        expect(await oneRow(em, 'select $1::int + 7 as sum', [i])).toEqual({ sum: i + 7 });
        if ([9, 10, 99, 100, 1_100].includes(i)) kept.push((await oneRow<{ n: number }>(em, ANEW))?.n);
      }
      expect(kept).toEqual([1, 2, 2, 3, 4]);
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
