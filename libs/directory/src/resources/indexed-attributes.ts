import { migration } from '@sever/postgres';
import { foldSql } from '@sever/scim';

/**
 * Attributes by which identity providers and people look for users, in their folded form in columns that the database keeps itself, so that a
 * filter finds one among a million by an index.
 */
export const indexedAttributesMigration = migration(1_790_000_003_800, 'IndexedAttributes', [
  `create function scim_folded_values(list jsonb, member text) returns text[] language sql immutable parallel safe as $$
     select coalesce(array_agg(${foldSql('e ->> member')}), '{}')
       from jsonb_array_elements(case jsonb_typeof(list) when 'array' then list else '[]' end) as e
      where jsonb_typeof(e -> member) = 'string' and e ->> member <> '' $$`,
  `alter table scim_resource
     add column display_name_norm text generated always as (${foldSql(`attributes ->> 'displayName'`)}) stored,
     add column email_values text[] not null generated always as (scim_folded_values(attributes -> 'emails', 'value')) stored`,
  `create index scim_resource_by_display_name on scim_resource (connection, display_name_norm)
    where deleted_at is null and display_name_norm is not null`,
  `create index scim_resource_by_email on scim_resource using gin (email_values) where deleted_at is null`,
]);
