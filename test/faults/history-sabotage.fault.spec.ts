import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { call, eventually, sql } from '../harness/clients.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { checkHistory, namesOf } from './history/check-history.js';
import type { Anomaly } from './history/finding.js';
import type { Operation } from './history/operation.js';
import { embedded, type Profile } from './history/pipeline/profile.js';
import { runWorkload, type Observed } from './history/pipeline/workload.js';

jest.setTimeout(420_000);

const PROFILES: Profile[] = [embedded];

/** Does harm to a running pipeline and gives back how to undo it. */
type Sabotage = (s: Site) => Promise<() => Promise<unknown>>;
type Site = { pipeline: Pipeline; owner: string; observed: Observed };

/** Statements with the rights of the tables' owner, for whom triggers do not hold. */
const withoutTriggers = async (owner: string, statement: string): Promise<void> => {
  await sql(owner, `set session_replication_role = replica; ${statement}`);
};

const auditRow = `(select topic, partition, log_offset from audit_event order by event_id limit 1)`;
const isAuditRow = `(topic, partition, log_offset) = ${auditRow}`;

const deletesAuditRow: Sabotage = async ({ owner }) => {
  await sql(owner, `create table stolen as select * from audit_event where ${isAuditRow}`);
  await withoutTriggers(owner, `delete from audit_event where event_id = (select event_id from stolen)`);
  return () => withoutTriggers(owner, 'insert into audit_event select * from stolen; drop table stolen');
};

const flipsAuditByte: Sabotage = async ({ owner }) => {
  const flip = `update audit_event set value = set_byte(value, 0, get_byte(value, 0) # 1) where ${isAuditRow}`;
  await withoutTriggers(owner, flip);
  return () => withoutTriggers(owner, flip);
};

const deletesLogRecord: Sabotage = async ({ owner, observed }) => {
  const acked = observed.operations.filter(o => o.kind === 'append' && o.status === 'acked');
  const early = acked.find(
    a =>
      a.kind === 'append' &&
      a.request.endsWith(':update') &&
      acked.some(b => b.kind === 'append' && b.partition === a.partition && b.invoked > a.completed),
  );
  if (early?.kind !== 'append') throw new Error('no acknowledged update that others follow');
  await sql(owner, `create table stolen as select * from log_requests where event_id = '${early.eventId}'`);
  await withoutTriggers(owner, `delete from log_requests where event_id = '${early.eventId}'`);
  return () => withoutTriggers(owner, 'insert into log_requests select * from stolen; drop table stolen');
};

/** What is done to an account behind the connector, and how it is undone. */
const CHANGES = {
  enabled: ['alter role $ nologin', 'alter role $ login'],
  disabled: ['alter role $ login', 'alter role $ nologin'],
  absent: ['create role $ login', 'drop role $'],
} as const;

const changesAccount: Sabotage = async ({ pipeline, owner, observed }) => {
  const acted = observed.operations.filter(o => o.kind === 'effect' && o.access !== 'none');
  const account = observed.operations.find(
    o =>
      o.kind === 'account' &&
      o.connector === 'postgres' &&
      acted.some(e => e.kind === 'effect' && e.connector === o.connector && e.key === o.key),
  );
  if (account?.kind !== 'account') throw new Error('the connector has acted on nobody');
  const [subject] = await sql<{ name: string }>(
    owner,
    'select user_name_norm as name from subject where id = $1',
    [account.key.slice(account.key.indexOf(':') + 1)],
  );
  const { url } = pipeline.postgresTarget();
  const [change, undo] = CHANGES[account.access];
  const run = (statement: string): Promise<unknown> =>
    sql(
      url,
      statement.replace('$', () => `"${subject?.name}"`),
    );
  await run(change);
  return () => run(undo);
};

const repeatsEffect: Sabotage = async ({ owner, pipeline }) => {
  await sql(
    owner,
    `set session_replication_role = replica;
     with acted as (
       select r.*, lp.next_offset, gen_random_uuid() as new_id from log_outcomes r
         join log_partition lp on lp.topic = r.topic and lp.partition = r.partition
        where r.type = 'sever.connector.stage-finished.v1'
          and not exists (select 1 from log_outcomes later where later.key = r.key and later."offset" > r."offset")
        order by r.event_id limit 1
     ), written as (
       insert into log_outcomes (topic, partition, "offset", event_id, key, type, headers, value)
       select topic, partition, next_offset, new_id, key, type, headers || jsonb_build_object('ce_id', new_id),
              convert_to(replace(convert_from(value, 'UTF8'), event_id::text, new_id::text), 'UTF8') from acted
     )
     update log_partition lp set next_offset = lp.next_offset + 1 from acted a
      where lp.topic = a.topic and lp.partition = a.partition`,
  );
  await eventually('the copy in the audit stream', async () => {
    const [row] = await sql<{ behind: string }>(
      pipeline.ready.databaseUrl,
      'select (select count(*) from log_record) - (select count(*) from audit_event) as behind',
    );
    return Number(row?.behind) === 0;
  });
  return () => Promise.resolve();
};

const CONNECTOR = 'connector-scim';

/** Ends the connector's process, so that the next one reads from the stored position. */
async function replaceConnector(pipeline: Pipeline): Promise<void> {
  const pid = (): number | undefined => pipeline.current().processes.find(p => p.name === CONNECTOR)?.pid;
  const before = pid();
  if (before === undefined) throw new Error(`${CONNECTOR} does not run`);
  process.kill(before, 'SIGKILL');
  await eventually(`another ${CONNECTOR}`, () => Promise.resolve(pid() !== before), 60_000);
}

const movesPositionForward: Sabotage = async ({ pipeline, owner }) => {
  const connector = pipeline.current().processes.find(p => p.name === CONNECTOR);
  if (!connector) throw new Error(`${CONNECTOR} does not run`);
  process.kill(connector.pid, 'SIGSTOP');
  const { baseUrl, token } = pipeline.ready.api;
  const body = { tenant: 'acme', userName: 'passed.over@acme.example', create: true };
  const { body: optOut } = await call('POST', `${baseUrl}/v1/opt-outs`, token, body);
  const place = `(select partition, "offset" from log_requests where headers ->> 'sever_optout' = '${String(optOut.id)}' order by "offset" limit 1)`;
  const moveTo = (by: number): Promise<unknown> =>
    sql(
      owner,
      `update log_group_partition g set next_offset = r."offset" + ${by} from ${place} r
        where g.group_name = '${CONNECTOR}' and g.topic = 'requests' and g.partition = r.partition`,
    );
  await moveTo(1);
  await replaceConnector(pipeline);
  await eventually('the work of the other connector', async () => {
    const rows = await sql(
      owner,
      `select 1 from work_item where instance = 'postgres' and opt_out_id = '${String(optOut.id)}'`,
    );
    return rows.length > 0;
  });
  return async () => {
    await moveTo(0);
    await replaceConnector(pipeline);
    await eventually('the end of the opt-out that was passed over', async () => {
      const reply = await call('GET', `${baseUrl}/v1/opt-outs/${String(optOut.id)}`, token);
      return reply.body.state === 'closed';
    });
  };
};

const movesPositionBack: Sabotage = async ({ owner }) => {
  const [at] = await sql<{ partition: number }>(
    owner,
    `select partition from log_group_partition where group_name = 'connector-postgres' and topic = 'requests' and next_offset > 0 limit 1`,
  );
  const move = (by: number): Promise<unknown> =>
    sql(
      owner,
      `update log_group_partition set next_offset = next_offset + $1
        where group_name = 'connector-postgres' and topic = 'requests' and partition = $2`,
      [by, at?.partition],
    );
  await move(-1);
  return () => move(1);
};

const SABOTAGES: [what: string, anomalies: Anomaly[], sabotage: Sabotage][] = [
  ['an audit row is deleted', ['audit-differs'], deletesAuditRow],
  ['a byte of an audit row is flipped', ['audit-differs'], flipsAuditByte],
  ['an acknowledged record is deleted from the log', ['audit-differs', 'lost-write'], deletesLogRecord],
  ['an account is changed behind the connector', ['effect-differs'], changesAccount],
  ['a position is moved back', ['zombie-commit'], movesPositionBack],
  ['a position is moved past a record', ['premature-commit'], movesPositionForward],
  ['an effect is told twice', ['duplicate'], repeatsEffect],
];

describe.each(PROFILES)('the history of a pipeline that is sabotaged, profile $name', profile => {
  let pipeline: Pipeline;
  let observed: Observed;

  beforeAll(async () => {
    pipeline = await startPipeline([
      ...profile.options,
      '--hold',
      '4s',
      '--rate-limit',
      'off',
      '--governor',
      'off',
    ]);
    observed = await runWorkload({
      pipeline,
      profile,
      seed: 11,
      people: 9,
      durationMs: 20_000,
      restMs: 120_000,
      isDisturbed: false,
      mayOverlap: false,
    });
  });
  afterAll(() => pipeline?.dispose());

  /** Everything seen, with the positions as they are now behind those that were seen before. */
  async function history(): Promise<Operation[]> {
    const positions = await profile.positions(pipeline);
    // What is read after the workload has ended is seen at rest only: the readers of the workload are gone.
    const meanwhile = observed.seenMeanwhile.filter(o => o.kind === 'commit');
    return [
      ...meanwhile,
      ...positions.map((p): Operation => ({ kind: 'commit', ...p })),
      ...(await observed.lookAgain()),
    ];
  }

  it('shows nothing wrong before', async () => {
    expect(observed.unrest).toBeUndefined();
    expect(checkHistory(observed.operations)).toEqual([]);
    expect(checkHistory(await history())).toEqual([]);
  });

  it.each(SABOTAGES)('names it when %s: %j', async (_what, anomalies, sabotage) => {
    const undo = await sabotage({ pipeline, owner: pipeline.ready.databaseUrl, observed });
    try {
      expect(namesOf(checkHistory(await history()))).toEqual(anomalies);
    } finally {
      await undo();
    }
  });
});
