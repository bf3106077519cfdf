import { changed, oneRow, rows, type Queryable } from '@sever/postgres';
import { instantSql } from '../instant-sql.js';
import { DirectoryError } from '../directory-error.js';
import { isUuid } from '../resources/uuid.js';

/** Whether the one who was to be created is the inactive person with that name. */
export type RebindDecision = 'same-person' | 'another-person';
export const REBIND_DECISIONS = [
  'same-person',
  'another-person',
] as const satisfies readonly RebindDecision[];

/** Who was to be created, and whose name it was: one question, however often it is asked. */
export type RebindQuestion = {
  connection: string;
  /** The inactive user who has the name. */
  resource: string;
  /** That name, in the form in which names are compared. */
  userNameNorm: string;
  /** Of the one who was to be created; null when the request had none. */
  externalId: string | null;
};

/** A question as operators see it. */
export type RebindCase = {
  id: string;
  resource: string;
  subject: string;
  userName: string;
  /** Of the inactive user. */
  storedExternalId: string | null;
  /** Of the one who was to be created. */
  externalId: string | null;
  /** How often it was asked. */
  requests: number;
  firstSeen: string;
  lastSeen: string;
  /** Answers the next request; null while nobody has decided. */
  decision: RebindDecision | null;
  decidedBy: string | null;
  decidedAt: string | null;
  reason: string | null;
};

const DIGEST = `sha256(convert_to($3::text || e'\\n' || coalesce($4::text, ''), 'UTF8'))`;
const IS_QUESTION = `connection = $1 and resource = $2 and digest = ${DIGEST} and settled_at is null`;

const parametersOf = (q: RebindQuestion): unknown[] => [
  q.connection,
  q.resource,
  q.userNameNorm,
  q.externalId,
];

/** Writes a question down, or counts that it was asked again. @returns whether it is new */
export async function askRebind(on: Queryable, q: RebindQuestion): Promise<boolean> {
  const row = await oneRow<{ requests: number }>(
    on,
    `insert into rebind_case as c (connection, resource, user_name_norm, external_id, digest) values ($1, $2, $3, $4, ${DIGEST})
     on conflict (connection, resource, digest) where settled_at is null
     do update set requests = c.requests + 1, last_seen = clock_timestamp() returning requests::int`,
    parametersOf(q),
  );
  return row?.requests === 1;
}

/** What was decided for a question and answered no request yet. */
export async function rebindDecisionOn(
  on: Queryable,
  q: RebindQuestion,
): Promise<RebindDecision | undefined> {
  const row = await oneRow<{ decision: RebindDecision | null }>(
    on,
    `select decision from rebind_case where ${IS_QUESTION} for update`,
    parametersOf(q),
  );
  return row?.decision ?? undefined;
}

/** A request was answered by the decision: the same question later is a new one. */
export async function settleRebind(on: Queryable, q: RebindQuestion): Promise<void> {
  await on.query(
    `update rebind_case set settled_at = clock_timestamp() where ${IS_QUESTION}`,
    parametersOf(q),
  );
}

/** Decides a question for the next request; until then it may be decided otherwise. @throws DirectoryError `rebind-case.unknown` */
export async function decideRebind(
  on: Queryable,
  connection: string,
  id: string,
  decided: { decision: RebindDecision; by: string; reason: string },
): Promise<RebindCase> {
  const known = isUuid(id)
    ? await changed(
        on,
        `update rebind_case set decision = $3, decided_by = $4, reason = $5, decided_at = clock_timestamp()
          where connection = $1 and id = $2 and settled_at is null`,
        [connection, id, decided.decision, decided.by, decided.reason],
      )
    : 0;
  const found = known > 0 ? (await casesOf(on, connection)).find(one => one.id === id) : undefined;
  if (!found)
    throw new DirectoryError(
      'rebind-case.unknown',
      `${connection} has no open question ${id.slice(0, 80)}; sever connection rebinds lists them`,
    );
  return found;
}

/** Questions that still matter, the latest first: the user is there, inactive, and holds the name. */
export const casesOf = (on: Queryable, connection: string): Promise<RebindCase[]> =>
  rows<RebindCase>(
    on,
    `select c.id, c.resource, r.subject, r.attributes ->> 'userName' as "userName", r.external_id as "storedExternalId",
            c.external_id as "externalId", c.requests::int, ${instantSql('c.first_seen')} as "firstSeen", ${instantSql('c.last_seen')} as "lastSeen",
            c.decision, c.decided_by as "decidedBy", ${instantSql('c.decided_at')} as "decidedAt", c.reason
       from rebind_case c join scim_resource r on r.connection = c.connection and r.id = c.resource
      where c.connection = $1 and c.settled_at is null and r.deleted_at is null and not r.active
        and r.user_name_norm = c.user_name_norm
      order by c.last_seen desc, c.id`,
    [connection],
  );
