import { oneRow, type Queryable } from '@sever/postgres';
import { tokenHash } from './secrets.js';

/** Registers an API token of a principal (an opaque id, not a person's name). */
export async function addApiToken(on: Queryable, token: string, principal: string): Promise<void> {
  await on.query('insert into api_token (token_hash, principal) values ($1, $2) on conflict do nothing', [
    tokenHash(token),
    principal,
  ]);
}

/** Makes `token` the only API token of a principal: one that was replaced opens nothing any more. */
export async function replaceApiToken(on: Queryable, token: string, principal: string): Promise<void> {
  await on.query('delete from api_token where principal = $1 and token_hash <> $2', [
    principal,
    tokenHash(token),
  ]);
  await addApiToken(on, token, principal);
}

export async function principalOfToken(on: Queryable, token: string): Promise<string | undefined> {
  const row = await oneRow<{ principal: string }>(
    on,
    'select principal from api_token where token_hash = $1',
    [tokenHash(token)],
  );
  return row?.principal;
}
