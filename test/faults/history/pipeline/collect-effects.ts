import { call, sql } from '../../../harness/clients.js';
import type { Pipeline } from '../../../harness/pipeline.js';
import type { AccessChange, AccountOperation, EffectOperation, Operation } from '../operation.js';
import type { LoggedEvent } from './collect-log.js';

const COMMANDS = [
  'sever.optout.requested.v1',
  'sever.optout.approved.v1',
  'sever.optout.purge-started.v1',
  'sever.optout.restore-started.v1',
  'sever.optout.reverification-requested.v1',
];

/** Facts that one attempt states once. */
const FACTS = [
  'sever.step.acted.v1',
  'sever.step.already-satisfied.v1',
  'sever.step.verified.v1',
  'sever.step.restored.v1',
  'sever.connector.stage-finished.v1',
];

/** What connectors had to act on, and what they have work for or keep for a person. */
export async function workOperations(pipeline: Pipeline, log: readonly LoggedEvent[]): Promise<Operation[]> {
  const rows = await sql<{ instance: string; id: string }>(
    pipeline.ready.databaseUrl,
    `select instance, request_event as id from work_item
     union select d.instance, r.event_id from dead_letter d
       join log_record r on r.topic = d.topic and r.partition = d.partition and r."offset" = d."offset"`,
  );
  const taken = new Set(rows.map(r => `${r.instance} ${r.id}`));
  const operations: Operation[] = [];
  for (const { topic, partition, logOffset, eventId, type, event } of log) {
    if (!COMMANDS.includes(type)) continue;
    for (const addressed of event.data.instances ?? []) {
      const instance = typeof addressed === 'string' ? addressed : addressed.instance;
      const record = { reader: `connector-${instance}`, topic, partition, logOffset, eventId };
      operations.push({ kind: 'owed', ...record });
      if (taken.has(`${instance} ${eventId}`))
        operations.push({ kind: 'applied', ...record, member: 'any', epoch: 0 });
    }
  }
  return operations;
}

/**
 * The effects that connectors tell of, in the order of the log. A restore counts from the wish, not from the command that
 * followed it: a cut that was asked for in between is the later word.
 */
export function effectOperations(log: readonly LoggedEvent[]): EffectOperation[] {
  const wishes = wishesOf(log);
  return log
    .filter(e => e.topic === 'outcomes' && FACTS.includes(e.type))
    .map(({ key, type, event: { causationid, data } }) => {
      const isStep = typeof data.step === 'string';
      return {
        kind: 'effect',
        connector: data.instance ?? '',
        key,
        requestEvent: wishes.get(causationid ?? '') ?? causationid ?? '',
        fact: type.split('.').slice(1, -1).join('.'),
        step: isStep ? (data.step ?? '') : '-',
        // A fact of the whole work is stated once, whichever run does it.
        attempt: isStep ? (data.attempt ?? 0) : 0,
        access: accessOf(data.stage, data.step),
      };
    });
}

/** The wish behind each command to restore: the last one of its opt-out before it. */
function wishesOf(log: readonly LoggedEvent[]): Map<string, string> {
  const latest = new Map<string, string>();
  const wishes = new Map<string, string>();
  for (const { type, eventId, event } of log) {
    const optOut = event.optoutid ?? '';
    if (type === 'sever.optout.restore-requested.v1') latest.set(optOut, eventId);
    if (type === 'sever.optout.restore-started.v1') wishes.set(eventId, latest.get(optOut) ?? eventId);
  }
  return wishes;
}

function accessOf(stage: string | undefined, step: string | null | undefined): AccessChange {
  if (stage === 'purge' && step === 'delete') return 'removes';
  if (step !== 'suspend') return 'none';
  if (stage === 'cut') return 'disables';
  return stage === 'restore' ? 'enables' : 'none';
}

/**
 * Accounts as the targets show them to their administrators. A name that was given to a new subject after the earlier one had
 * left has one account all the same: it belongs to the latest subject on which anything was done.
 */
export async function accountOperations(
  pipeline: Pipeline,
  tenant: string,
  scimIds: ReadonlyMap<string, string>,
  keysWithEffects: ReadonlySet<string>,
): Promise<AccountOperation[]> {
  const subjects = await sql<{ name: string; ids: string[] }>(
    pipeline.ready.databaseUrl,
    `select user_name_norm as name, array_agg(id::text order by created_at desc) as ids from subject
      where tenant = $1 and user_name_norm = any($2) group by 1`,
    [tenant, [...scimIds.keys()]],
  );
  const roles = await sql<{ name: string; login: boolean }>(
    pipeline.postgresTarget().url,
    'select rolname as name, rolcanlogin as login from pg_roles where rolname = any($1)',
    [[...scimIds.keys()]],
  );
  const logins = new Map(roles.map(r => [r.name, r.login]));
  const { baseUrl, token } = pipeline.scimTarget();
  const operations: AccountOperation[] = [];
  for (const { name, ids } of subjects) {
    const key = ids.map(id => `${tenant}:${id}`).find(k => keysWithEffects.has(k));
    if (key === undefined) continue;
    const login = logins.get(name);
    operations.push({
      kind: 'account',
      connector: 'postgres',
      key,
      access: login === undefined ? 'absent' : stateOf(login),
    });
    const user = await call('GET', `${baseUrl}/Users/${scimIds.get(name)}`, token);
    if (user.status !== 200 && user.status !== 404)
      throw new Error(`the SCIM target answered ${user.status}`);
    const access = user.status === 404 ? 'absent' : stateOf(user.body.active !== false);
    operations.push({ kind: 'account', connector: 'scim', key, access });
  }
  return operations;
}

const stateOf = (isOpen: boolean): 'enabled' | 'disabled' => (isOpen ? 'enabled' : 'disabled');
