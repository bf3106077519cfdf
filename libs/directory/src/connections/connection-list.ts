import { rows, type Queryable } from '@sever/postgres';
import { instantSql } from '../instant-sql.js';
import type { RebindPolicy } from '../rebind/rebind-policy.js';

type Instant = string;

/** A connection as operators see it: everything but secrets. */
export type ConnectionView = {
  id: string;
  tenant: string;
  dialect: string;
  rateLimit: number | null;
  /** Who decides whether an inactive namesake is the same person. */
  rebind: RebindPolicy;
  createdAt: Instant;
  retiredAt: Instant | null;
  /** What was decided for the people who were active when it was retired. */
  peopleAfter: 'nobody' | 'keep' | 'opt-out' | null;
  retiredReason: string | null;
  /** Live tokens; `lastUsedAt` is right to some minutes. */
  tokens: { id: string; createdAt: Instant; expiresAt: Instant | null; lastUsedAt: Instant | null }[];
  clients: { clientId: string; method: string; createdAt: Instant; lastUsedAt: Instant | null }[];
  issuers: { issuer: string; audiences: string[]; claims: Record<string, string>; algorithms: string[] }[];
};

const list = (object: string, from: string, order: string): string =>
  `coalesce((select jsonb_agg(jsonb_build_object(${object}) order by ${order}) from ${from}), '[]')`;

const TOKENS = list(
  `'id', t.id, 'createdAt', ${instantSql('t.created_at')}, 'expiresAt', ${instantSql('t.expires_at')}, 'lastUsedAt', ${instantSql('t.last_used_at')}`,
  `connection_token t where t.connection = c.id and t.client is null and t.revoked_at is null
     and (t.expires_at is null or t.expires_at > clock_timestamp()) and c.retired_at is null`,
  't.created_at, t.id',
);
const CLIENTS = list(
  `'clientId', o.id, 'method', case when o.secret_hash is null then 'private_key_jwt' else 'client_secret' end,
   'createdAt', ${instantSql('o.created_at')}, 'lastUsedAt', ${instantSql('o.last_used_at')}`,
  'oauth_client o where o.connection = c.id and o.revoked_at is null',
  'o.created_at, o.id',
);
const ISSUERS = list(
  `'issuer', i.issuer, 'audiences', i.audiences, 'claims', i.claims, 'algorithms', i.algorithms`,
  'connection_issuer i where i.connection = c.id',
  'i.issuer',
);

/** All connections, those of one tenant, or one; retired ones too. */
export const listConnections = (
  on: Queryable,
  only: { tenant?: string; id?: string } = {},
): Promise<ConnectionView[]> =>
  rows<ConnectionView>(
    on,
    `select c.id, c.tenant, c.dialect, c.rate_limit as "rateLimit", c.rebind, ${instantSql('c.created_at')} as "createdAt",
            ${instantSql('c.retired_at')} as "retiredAt", c.people_after as "peopleAfter", c.retired_reason as "retiredReason",
            ${TOKENS} as tokens, ${CLIENTS} as clients, ${ISSUERS} as issuers
       from connection c where ($1::text is null or c.tenant = $1) and ($2::text is null or c.id = $2) order by c.tenant, c.id`,
    [only.tenant ?? null, only.id ?? null],
  );
