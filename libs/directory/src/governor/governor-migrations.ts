import { migration } from '@sever/postgres';

/** What the governor counts and what it holds, beside the standing opt-outs, and limits that operators chose. */
export const governorMigration = migration(1_790_000_003_970, 'Governor', [
  `alter table standing_opt_out add column staged boolean not null default false, add column counts_for text`,
  `comment on column standing_opt_out.staged is 'held by the governor: accepted, and nothing is done before an operator approves it'`,
  `comment on column standing_opt_out.counts_for is
     'the source in whose window this opening counts; of several openings of a person by one source only the newest has it'`,
  `create index standing_by_source on standing_opt_out (tenant, counts_for, since) where counts_for is not null`,
  `create index standing_staged on standing_opt_out (tenant, opt_out_id) where staged`,
  `create table governor_limit (
     tenant text not null references tenant, source text not null, window_seconds int check (window_seconds > 0),
     max_opt_outs int check (max_opt_outs >= 0), percent int check (percent between 0 and 100),
     reason text not null, changed_by text not null, changed_at timestamptz not null default clock_timestamp(), primary key (tenant, source))`,
  `comment on column governor_limit.source is 'connection:ID, or * for every source of the tenant that has no limits of its own'`,
  `grant select, insert, update on governor_limit to sever_ingress`,
]);
