import { oneRow, type Queryable } from '@sever/postgres';
import { formerNameSql } from './former-name.js';

/** By what the systems know a person: as the directory spells it. */
export type KnownName = { userName: string; externalId: string | null; formerUserName: string | null };

/** The {@link KnownName} of a person, from the live resource that changed last, or from a removed one. @param subject SQL of the person's id */
export const knownNameSql = (subject: string): string =>
  `select attributes ->> 'userName' as "userName", external_id as "externalId", ${formerNameSql('known')} as "formerUserName"
     from scim_resource known where subject = ${subject}
    order by deleted_at is null desc, modified_at desc limit 1`;

/** Undefined for somebody whom no identity provider ever sent. */
export const knownName = (on: Queryable, subject: string): Promise<KnownName | undefined> =>
  oneRow<KnownName>(on, knownNameSql('$1'), [subject]);
