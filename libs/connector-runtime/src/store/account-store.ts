import { FIELD_PATHS, type EncryptedField } from '@sever/event-contracts';
import type { Target } from '@sever/connector-sdk';
import { oneRow, type Queryable, type Statement } from '@sever/postgres';
import type { SubjectKeys } from '@sever/subject-keys';

type AccountRow = { event_id: string; sealed: EncryptedField; matched_by: string };

/** The account that was adopted for a person: from then on the immutable id is used and nothing else. */
export async function findAccount(
  on: Queryable,
  keys: SubjectKeys,
  instance: string,
  tenant: string,
  subject: string,
): Promise<Target | undefined> {
  const row = await oneRow<AccountRow>(
    on,
    'select event_id, sealed, matched_by from connector_account where instance = $1 and tenant = $2 and subject = $3',
    [instance, tenant, subject],
  );
  if (!row) return undefined;
  const opened = await keys.open(
    on,
    { tenant, subject, eventId: row.event_id, path: FIELD_PATHS.accountRef },
    row.sealed,
  );
  return opened.shredded ? undefined : { id: opened.text, matchedBy: row.matched_by };
}

/** From now on this account is the person's. */
export function accountAdopted(a: {
  instance: string;
  tenant: string;
  subject: string;
  eventId: string;
  sealed: EncryptedField;
  matchedBy: string;
}): Statement {
  return {
    sql: `insert into connector_account (instance, tenant, subject, event_id, sealed, matched_by) values ($1, $2, $3, $4, $5, $6)
     on conflict (instance, tenant, subject) do update set event_id = excluded.event_id, sealed = excluded.sealed, matched_by = excluded.matched_by`,
    parameters: [a.instance, a.tenant, a.subject, a.eventId, JSON.stringify(a.sealed), a.matchedBy],
  };
}

/** The account is gone: a later opt-out of the same person looks again. */
export function accountForgotten(instance: string, tenant: string, subject: string): Statement {
  return {
    sql: 'delete from connector_account where instance = $1 and tenant = $2 and subject = $3',
    parameters: [instance, tenant, subject],
  };
}
