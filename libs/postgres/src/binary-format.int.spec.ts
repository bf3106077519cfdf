import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { binaryArray, copyRows, migration, rows, type CopyColumn } from './index.js';
import { createTestDatabase, type TestDatabase } from './testing/index.js';

/** One value of every type that is written in binary. */
type Row = {
  id: string | null;
  n: number | null;
  big: number | null;
  words: string | null;
  at: string | null;
  bytes: Buffer | null;
  doc: string | null;
};

const words = fc.string({ unit: 'binary', maxLength: 90 }).map(s => s.toWellFormed().replaceAll('\0', ''));
const row: fc.Arbitrary<Row> = fc.record({
  id: fc.option(fc.uuid()),
  n: fc.option(fc.integer()),
  big: fc.option(fc.maxSafeInteger()),
  words: fc.option(words),
  at: fc.option(
    fc
      .date({ noInvalidDate: true, min: new Date('1900-01-01'), max: new Date('2200-01-01') })
      .map(d => d.toISOString()),
  ),
  bytes: fc.option(fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))),
  doc: fc.option(words.map(text => JSON.stringify({ text }))),
});

const COLUMNS: readonly CopyColumn<Row>[] = [
  { name: 'id', type: 'uuid', of: r => r.id },
  { name: 'n', type: 'int4', of: r => r.n },
  { name: 'big', type: 'int8', of: r => r.big },
  { name: 'words', type: 'text', of: r => r.words },
  { name: 'at', type: 'timestamptz', of: r => r.at },
  { name: 'bytes', type: 'bytea', of: r => r.bytes },
  { name: 'doc', type: 'jsonb', of: r => r.doc },
];

type Stored = Omit<Row, 'big' | 'at' | 'doc'> & { big: string | null; at: Date | null; doc: unknown };

/** What the driver gives back for a row. */
const stored = (r: Row): Stored => ({
  ...r,
  big: r.big === null ? null : String(r.big),
  at: r.at === null ? null : new Date(r.at),
  doc: r.doc === null ? null : JSON.parse(r.doc),
});

describe('values in binary format', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase([
      migration(1_790_000_000_001, 'Sample', [
        'create table sample (id uuid, n int, big bigint, words text, at timestamptz, bytes bytea, doc jsonb)',
      ]),
    ]);
  });
  afterAll(() => db.drop());

  it('arrive as they were in the parameters of a statement', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 20 }), async list => {
        const found = await rows<Stored>(
          db.owner,
          `select id, n, big, words, at, bytes, doc from unnest($1::uuid[], $2::int[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bytea[], $7::jsonb[])
             with ordinality as u(id, n, big, words, at, bytes, doc, i) order by i`,
          [
            binaryArray('uuid', list, r => r.id),
            binaryArray('int4', list, r => r.n),
            binaryArray('int8', list, r => r.big),
            binaryArray('text', list, r => r.words),
            binaryArray('timestamptz', list, r => r.at),
            binaryArray('bytea', list, r => r.bytes),
            binaryArray('jsonb', list, r => r.doc),
          ],
        );
        expect(found).toEqual(list.map(stored));
      }),
      { numRuns: 40 },
    );
  });

  it('arrive as they were in the rows of a COPY', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 20 }), async list => {
        await db.owner.query('truncate sample');
        await db.owner.transaction(em => copyRows(em, 'sample', COLUMNS, list));
        const found = await rows<Stored>(db.owner, 'select * from sample');
        expect(found).toEqual(list.map(stored));
      }),
      { numRuns: 40 },
    );
  });

  it('leave nothing behind when a COPY breaks a rule of the table, and the connection goes on', async () => {
    await db.owner.query('truncate sample');
    await db.owner.query('create unique index sample_n on sample (n)');
    const one: Row = { id: null, n: 1, big: null, words: null, at: null, bytes: null, doc: null };
    await expect(
      db.owner.transaction(em => copyRows(em, 'sample', COLUMNS, [one, one])),
    ).rejects.toMatchObject({ code: '23505' });
    await db.owner.transaction(em => copyRows(em, 'sample', COLUMNS, [one]));
    expect(await rows(db.owner, 'select n from sample')).toEqual([{ n: 1 }]);
  });

  it.each(['', 'x', '0123', '0'.repeat(32), `${'0'.repeat(35)}z`, '0'.repeat(36)])(
    'refuse a UUID that is none: %j',
    text => {
      expect(() => binaryArray('uuid', [text], t => t)).toThrow(RangeError);
    },
  );

  it('refuse a number that JavaScript cannot hold exactly', () => {
    expect(() => binaryArray('int8', [2 ** 53], n => n)).toThrow(RangeError);
  });

  it('need a transaction for a COPY', async () => {
    await expect(copyRows(db.owner.manager, 'sample', COLUMNS, [])).rejects.toThrow(/transaction/);
  });
});
