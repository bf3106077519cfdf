import { rows, type Queryable } from '@sever/postgres';
import { instantSql } from '../instant-sql.js';

/** Most shapes that are kept of one connection: one that sends a new one each time must not fill the database. */
const SHAPES_MAX = 200;

/** Requests of one form that were refused, without anything that was in them. */
export type RefusedRequests = {
  connection: string;
  method: string;
  /** Which kind of resource it was about, for example `Users`. */
  resource: string;
  /** Why: the stable code of the error. */
  code: string;
  /** The form of the body as JSON text, without values. */
  shape: string;
  requests: number;
};

/** Refusals of one form as an operator sees them. */
export type RefusalView = Omit<RefusedRequests, 'connection' | 'shape'> & {
  shape: unknown;
  firstSeen: string;
  lastSeen: string;
};

/** Adds to what was counted before. Beyond {@link SHAPES_MAX} forms of a connection only those that are known go on counting. */
export async function countRefusals(on: Queryable, refused: readonly RefusedRequests[]): Promise<void> {
  const column = <K extends keyof RefusedRequests>(name: K): RefusedRequests[K][] =>
    refused.map(r => r[name]);
  await on.query(
    `insert into refused_request as r (connection, digest, method, resource, code, shape, requests)
     select u.connection, u.digest, u.method, u.resource, u.code, u.shape::jsonb, u.requests
       from (select connection, sha256(convert_to(concat_ws(e'\n', method, resource, code, shape), 'UTF8')) as digest,
                    method, resource, code, shape, requests
               from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
                    as p(connection, method, resource, code, shape, requests)) u
      where exists (select 1 from refused_request k where k.connection = u.connection and k.digest = u.digest)
         or (select count(*) from refused_request k where k.connection = u.connection) < ${SHAPES_MAX}
     on conflict (connection, digest) do update
       set requests = r.requests + excluded.requests, last_seen = clock_timestamp()`,
    [
      column('connection'),
      column('method'),
      column('resource'),
      column('code'),
      column('shape'),
      column('requests'),
    ],
  );
}

/** What a connection sent that was refused, the latest first. */
export const refusalsOf = (on: Queryable, connection: string): Promise<RefusalView[]> =>
  rows<RefusalView>(
    on,
    `select method, resource, code, shape, requests::int, ${instantSql('first_seen')} as "firstSeen", ${instantSql('last_seen')} as "lastSeen"
       from refused_request where connection = $1 order by last_seen desc, digest`,
    [connection],
  );
