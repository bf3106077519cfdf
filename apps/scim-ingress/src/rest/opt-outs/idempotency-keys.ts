import { createHash } from 'node:crypto';
import { oneRow } from '@sever/postgres';
import type { EntityManager } from 'typeorm';
import { HttpProblem } from '../../http-problem.js';
import type { OptOutBody } from '../request-bodies.js';
import type { Caller } from './standing-command.js';

/**
 * The opt-out that an earlier request with this key was answered with; equal keys of a caller take turns until the transaction ends.
 * @throws HttpProblem 422 `idempotency.mismatch` when the key came with another request
 */
export async function answeredBefore(
  em: EntityManager,
  caller: Caller,
  key: string,
  body: OptOutBody,
): Promise<string | undefined> {
  await em.query('select pg_advisory_xact_lock(hashtext($1))', [`${caller.principal}\n${key}`]);
  const row = await oneRow<{ opt_out_id: string; request_hash: Buffer }>(
    em,
    'select opt_out_id, request_hash from idempotency_key where key_hash = $1',
    [digest(caller.principal, key)],
  );
  if (row && !row.request_hash.equals(digest(JSON.stringify(body))))
    throw new HttpProblem(
      422,
      'idempotency.mismatch',
      'this Idempotency-Key was used for another request; use a new key',
    );
  return row?.opt_out_id;
}

/** Keeps what a request with this key is answered with. */
export async function rememberAnswer(
  em: EntityManager,
  caller: Caller,
  key: string,
  body: OptOutBody,
  optOutId: string,
): Promise<void> {
  await em.query('insert into idempotency_key (key_hash, request_hash, opt_out_id) values ($1, $2, $3)', [
    digest(caller.principal, key),
    digest(JSON.stringify(body)),
    optOutId,
  ]);
}

const digest = (...parts: string[]): Buffer => createHash('sha256').update(JSON.stringify(parts)).digest();
