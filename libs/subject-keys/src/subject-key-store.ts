import { createSecretKey, randomBytes } from 'node:crypto';
import { binaryArray, oneRow, plannedForOne, rows, type Queryable } from '@sever/postgres';
import { commitmentOf, type DataKey } from './envelope.js';
import type { KeyEncryptionKeys } from './file-key-encryption-keys.js';

export const DATA_KEY_BYTES = 32;

type KeyRow = {
  ver: number;
  wrapped_dek: Buffer | null;
  kek_id: string;
  state: 'active' | 'destroyed';
  destroyed_at: Date | null;
  settled: boolean;
};

/** A key as it stands in the table. `settled`: certainly committed, since it is older than the reading transaction. */
export type StoredKey =
  { state: 'active'; key: DataKey; settled: boolean } | { state: 'destroyed'; since: string };

const COLUMNS =
  'k.ver, k.wrapped_dek, k.kek_id, k.state, k.destroyed_at, k.created_at < transaction_timestamp() as settled';

/** What a wrapped key is bound to. */
export const contextOf = (tenant: string, subject: string, ver: number): string =>
  `${tenant}:${subject}:${ver}`;

function fromRow(row: KeyRow, tenant: string, subject: string, keks: KeyEncryptionKeys): StoredKey {
  if (row.state === 'destroyed' || !row.wrapped_dek)
    return { state: 'destroyed', since: (row.destroyed_at ?? new Date(0)).toISOString() };
  const secret = createSecretKey(
    keks.unwrap(row.wrapped_dek, row.kek_id, contextOf(tenant, subject, row.ver)),
  );
  return {
    state: 'active',
    key: { kid: `${subject}:${row.ver}`, secret, commitment: commitmentOf(secret) },
    settled: row.settled,
  };
}

/** The key with which an envelope was made, or the newest one. */
export async function findKey(
  on: Queryable,
  keks: KeyEncryptionKeys,
  tenant: string,
  subject: string,
  ver?: number,
): Promise<StoredKey | undefined> {
  const row = await oneRow<KeyRow>(
    on,
    `select ${COLUMNS} from subject_key k
      where tenant = $1 and subject = $2 and ($3::int is null or ver = $3) order by ver desc limit 1`,
    [tenant, subject, ver ?? null],
  );
  return row && fromRow(row, tenant, subject, keks);
}

/** The newest keys of several subjects; who has none is left out. */
export async function findCurrentKeys(
  on: Queryable,
  keks: KeyEncryptionKeys,
  of: readonly { tenant: string; subject: string }[],
): Promise<{ tenant: string; subject: string; stored: StoredKey }[]> {
  const found = await rows<KeyRow & { tenant: string; subject: string }>(
    on,
    `select distinct on (k.tenant, k.subject) k.tenant, k.subject, ${COLUMNS}
       from unnest($1::text[], $2::uuid[]) with ordinality as q(tenant, subject, place) join subject_key k using (tenant, subject)
      where ${plannedForOne('place')}
      order by k.tenant, k.subject, k.ver desc`,
    [binaryArray('text', of, one => one.tenant), binaryArray('uuid', of, one => one.subject)],
  );
  return found.map(row => ({
    ...{ tenant: row.tenant, subject: row.subject },
    stored: fromRow(row, row.tenant, row.subject, keks),
  }));
}

/** Makes the first key of a subject; when another transaction was faster, its key is taken. */
export async function makeKey(
  on: Queryable,
  keks: KeyEncryptionKeys,
  tenant: string,
  subject: string,
): Promise<StoredKey> {
  const { kekId, wrapped } = keks.wrap(randomBytes(DATA_KEY_BYTES), contextOf(tenant, subject, 1));
  const [row] = await rows<KeyRow>(
    on,
    `insert into subject_key (tenant, subject, ver, wrapped_dek, kek_id) values ($1, $2, 1, $3, $4)
     on conflict do nothing returning ver, wrapped_dek, kek_id, state, destroyed_at, false as settled`,
    [tenant, subject, wrapped, kekId],
  );
  if (row) return fromRow(row, tenant, subject, keks);
  const found = await findKey(on, keks, tenant, subject);
  if (!found) throw new Error('a subject key vanished while it was made');
  return found;
}
