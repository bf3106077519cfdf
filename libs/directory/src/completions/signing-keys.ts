import { rows, type Queryable } from '@sever/postgres';

/** A key that signs what is told to clients; the private part is wrapped under a key that is not in the database. */
export type SigningKey = {
  kid: string;
  publicJwk: Record<string, unknown>;
  wrappedPrivate: Buffer;
  kekId: string;
  createdAt: Date;
};

/** Keys that were made in the last `days`, the newest first. */
export const signingKeys = (on: Queryable, days: number): Promise<SigningKey[]> =>
  rows<SigningKey>(
    on,
    `select kid, public_jwk as "publicJwk", wrapped_private as "wrappedPrivate", kek_id as "kekId", created_at as "createdAt"
       from signing_key where created_at > clock_timestamp() - make_interval(days => $1) order by created_at desc, kid`,
    [days],
  );

export async function addSigningKey(on: Queryable, key: Omit<SigningKey, 'createdAt'>): Promise<void> {
  await on.query(
    'insert into signing_key (kid, public_jwk, wrapped_private, kek_id) values ($1, $2::jsonb, $3, $4)',
    [key.kid, JSON.stringify(key.publicJwk), key.wrappedPrivate, key.kekId],
  );
}
