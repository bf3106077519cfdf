import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditMigrations } from '@sever/audit-store';
import { randomUUID } from 'node:crypto';
import {
  makeEvent,
  readLoggedEvent,
  type EventData,
  type EventType,
  type SeverEvent,
} from '@sever/event-contracts';
import { PARTITIONS, partitionKey, toRecord, type LogRecord } from '@sever/event-log';
import {
  createPostgresEventLogAdmin,
  createPostgresEventLogWriter,
  eventLogMigrations,
} from '@sever/event-log-postgres';
import { rows } from '@sever/postgres';
import { createTestDatabase, type TestDatabase } from '@sever/postgres/testing';
import {
  GROUP_MOVES_FROM_AUDIT,
  READ_MODEL_TABLES,
  projectReadModels,
  readModelMigrations,
  stateDigest,
} from '@sever/read-models';
import fc from 'fast-check';
import { projectBatch, verifyReplay } from './index.js';

const sealed = { alg: 'A256GCM', kid: 's:1', n: 'n', kc: 'k', ct: 'c' } as const;
const connectorStages = ['suspend', 'endSessions', 'stripEntitlements'] as const;

type Beginning = 'at once' | 'approved' | 'rejected' | 'withdrawn';

/**
 * One person's whole life: request, cut in one instance, close. One whom the governor holds begins with the approval, or ends with the
 * rejection or the withdrawal.
 */
function life(beginning: Beginning = 'at once'): SeverEvent[] {
  const subject = randomUUID();
  const optOutId = randomUUID();
  const base = { tenant: 'acme', subject, time: new Date(1_700_000_000_000), optOutId };
  const actor = { kind: 'connection', id: 'entra' } as const;
  const target = { kind: 'subject', id: subject } as const;
  const coordinator = { actor: { kind: 'coordinator', id: 'coordinator' } as const, target };
  const work = {
    actor: { kind: 'connector', id: 'scim' } as const,
    target,
    instance: 'scim',
    system: 'scim',
    stage: 'cut' as const,
    attempt: 1,
    evidence: {},
  };
  const asked = { actor, target, door: { via: 'scim', operation: 'deactivate' }, reason: null } as const;
  const asker = { kind: 'connection', id: 'entra' } as const;
  const cut: EventData<'sever.optout.approved.v1'> = {
    ...asked,
    identifiers: sealed,
    instances: [
      {
        instance: 'scim',
        system: 'scim',
        waivers: [],
        steps: connectorStages.map(step => ({
          step,
          support: 'supported' as const,
          stage: 'cut' as const,
        })),
      },
    ],
    nothingBound: false,
    hold: { kind: 'never', seconds: 0, ignoreResidualAccess: false },
    cutDeadlineSeconds: 300,
  };
  const told = <T extends EventType>(type: T, data: EventData<T>): SeverEvent =>
    makeEvent({ ...base, type, id: randomUUID(), source: '/connections/entra', data }) as SeverEvent;
  const request = { ...cut, asker, resourceRemoved: false };
  const guard = { rule: 'max-opt-outs', count: 501, limit: 500, windowSeconds: 600 } as const;
  const staged = told('sever.optout.staged.v1', { ...request, guard });
  if (beginning === 'rejected') return [staged, told('sever.optout.rejected.v1', asked)];
  if (beginning === 'withdrawn')
    return [staged, told('sever.optout.restore-requested.v1', { ...asked, asker, overridesAskers: false })];
  const opening =
    beginning === 'approved'
      ? [staged, told('sever.optout.approved.v1', cut)]
      : [told('sever.optout.requested.v1', request)];
  const outcomes = connectorStages.flatMap(step => [
    makeEvent({
      ...base,
      type: 'sever.step.acted.v1',
      id: randomUUID(),
      source: '/connectors/scim',
      data: { ...work, step, residualAccessUntil: null },
    }),
    makeEvent({
      ...base,
      type: 'sever.step.verified.v1',
      id: randomUUID(),
      source: '/connectors/scim',
      data: { ...work, step, residualAccessUntil: null },
    }),
  ]);
  const instant = '2026-01-01T00:00:00.000Z';
  return [
    ...opening,
    ...outcomes,
    makeEvent({
      ...base,
      type: 'sever.optout.cut.v1',
      id: randomUUID(),
      source: '/coordinator',
      data: { ...coordinator, cutAt: instant, residualAccessUntil: null, waived: [], noAccount: [] },
    }),
    makeEvent({
      ...base,
      type: 'sever.optout.closed.v1',
      id: randomUUID(),
      source: '/coordinator',
      data: { ...coordinator, closedAt: instant, outcome: 'cut-only' },
    }),
  ];
}

/** A group that two people join and leave: one by a change, the other when it is removed. */
function groupLife(): SeverEvent[] {
  const group = randomUUID();
  const people = [randomUUID(), randomUUID()];
  const moved = (subjects: string[]) => ({
    ...{ count: subjects.length, groups: 0, subjects, unnamed: 0, digest: null },
  });
  const base = { tenant: 'acme', subject: group, source: '/connections/entra' };
  const at = (seconds: number) => ({ id: randomUUID(), time: new Date(1_700_000_000_000 + seconds * 1_000) });
  const data = {
    actor: { kind: 'connection', id: 'entra' } as const,
    target: { kind: 'resource', id: group } as const,
    door: { via: 'scim', operation: 'update', connection: 'entra' } as const,
    ...{ connection: 'entra', group },
  };
  return [
    makeEvent({
      ...{ ...base, ...at(0), type: 'sever.group.created.v1' as const },
      data: { ...data, added: moved(people) },
    }),
    makeEvent({
      ...{ ...base, ...at(1), type: 'sever.group.members-changed.v1' as const },
      // The second one is named on both sides and stays.
      data: { ...data, attributes: [], added: moved(people.slice(1)), removed: moved(people) },
    }),
    makeEvent({
      ...{ ...base, ...at(2), type: 'sever.group.removed.v1' as const },
      data: { ...data, removed: moved(people.slice(1)) },
    }),
  ];
}
const BEGINNINGS: readonly Beginning[] = ['at once', 'approved', 'rejected', 'withdrawn'];

describe('the projection', () => {
  let db: TestDatabase;
  let log: LogRecord[];
  beforeAll(async () => {
    db = await createTestDatabase([...eventLogMigrations, ...readModelMigrations, ...auditMigrations]);
    const admin = createPostgresEventLogAdmin(db.owner);
    await admin.ensureTopics([
      { topic: 'requests', partitions: PARTITIONS },
      { topic: 'outcomes', partitions: PARTITIONS },
    ]);
    const writer = createPostgresEventLogWriter(db.owner);
    const lives = [
      ...BEGINNINGS.flatMap(beginning => Array.from({ length: 4 }, () => life(beginning))),
      ...Array.from({ length: 6 }, groupLife),
    ];
    for (const event of lives.flat()) await db.owner.transaction(em => writer.append(em, [toRecord(event)]));
    log = [];
    const to = new Map([...(await admin.endOffsets('requests')), ...(await admin.endOffsets('outcomes'))]);
    for await (const batch of admin.scan({ topics: ['requests', 'outcomes'], to })) log.push(...batch);
  });
  afterAll(() => db.drop());

  /** Empties the projection; triggers forbid it to everybody but the owner of the tables. */
  async function reset(): Promise<void> {
    await db.owner.query('alter table audit_event disable trigger all');
    for (const table of [...READ_MODEL_TABLES, 'audit_event']) await db.owner.query(`delete from ${table}`);
    await db.owner.query('alter table audit_event enable trigger all');
  }

  const placed = (records: readonly LogRecord[]) =>
    records.map(({ topic, logOffset, value }) => ({ topic, logOffset, event: readLoggedEvent(value) }));
  const apply = (records: readonly LogRecord[]): Promise<void> =>
    db.owner.transaction(em => projectBatch(em, records));

  it('gives one digest for every interleaving of the topics and every batching', async () => {
    await reset();
    await apply(log);
    const expected = await stateDigest(db.owner);
    const partitions = new Map<string, LogRecord[]>();
    for (const record of log)
      partitions.set(partitionKey(record), [...(partitions.get(partitionKey(record)) ?? []), record]);
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async picks => {
        await reset();
        const queues = [...partitions.values()].map(q => [...q]);
        while (queues.length > 0) {
          const batch: LogRecord[] = [];
          const size = ((picks.next().value ?? 0) % 40) + 1;
          while (batch.length < size && queues.length > 0) {
            const at = (picks.next().value ?? 0) % queues.length;
            const record = queues[at]?.shift();
            if (record) batch.push(record);
            if (queues[at]?.length === 0) queues.splice(at, 1);
          }
          await apply(batch);
        }
        expect(await stateDigest(db.owner)).toBe(expected);
      }),
      { numRuns: 8 },
    );
  });

  it('tells people of the groups they joined and left, once, however often an event comes', async () => {
    await reset();
    await apply(log);
    const moves = () =>
      rows<{ subject: string; moved: string; type: string }>(
        db.owner,
        'select subject, moved, type from rm_group_move order by subject, time',
      );
    const told = await moves();
    expect(told.map(m => m.moved)).toEqual(Array.from({ length: 12 }, () => ['joined', 'left']).flat());
    expect(new Set(told.map(m => m.type)).size).toBe(3);
    const digest = await stateDigest(db.owner);
    await db.owner.transaction(em => projectReadModels(em, placed(log)));
    expect(await moves()).toEqual(told);
    expect(await stateDigest(db.owner)).toBe(digest);
  });

  it('gives the same when the table comes later than the events', async () => {
    await reset();
    await apply(log);
    const digest = await stateDigest(db.owner);
    await db.owner.query('delete from rm_group_move');
    expect(await stateDigest(db.owner)).not.toBe(digest);
    await db.owner.query(GROUP_MOVES_FROM_AUDIT);
    expect(await stateDigest(db.owner)).toBe(digest);
  });

  it('counts groups in the digest', async () => {
    await reset();
    await apply(log);
    const expected = await stateDigest(db.owner);
    await db.owner.query(
      `update rm_group_move set moved = 'joined' where event_id = (select event_id from rm_group_move where moved = 'left' limit 1)`,
    );
    expect(await stateDigest(db.owner)).not.toBe(expected);
  });

  it('would notice a fold that depends on the order within a topic', async () => {
    await reset();
    await apply(log);
    const expected = await stateDigest(db.owner);
    await reset();
    // Offsets reversed: the guard drops what comes late, so that the state must differ.
    for (const record of [...log].reverse()) await apply([record]);
    expect(await stateDigest(db.owner)).not.toBe(expected);
  });

  it('applies nothing of a batch whose bytes differ from the log', async () => {
    await reset();
    const [first] = log;
    if (!first) throw new Error('the log is empty');
    const forged = { ...first, value: Buffer.from(first.value.toString('utf8').replace('"acme"', '"evil"')) };
    await expect(apply([forged])).rejects.toMatchObject({ code: 'audit.bytes-differ' });
    expect(await rows(db.owner, 'select 1 as one from rm_subject')).toEqual([]);
  });

  it('writes audit rows that nobody changes', async () => {
    await reset();
    await apply(log);
    const projector = await db.open(await db.urlAs('sever_projector'));
    await expect(rows(projector, `update audit_event set tenant = 'x'`)).rejects.toMatchObject({
      code: '42501',
    });
    await expect(rows(db.owner, `delete from audit_event`)).rejects.toThrow(/append-only/);
    await expect(rows(db.owner, `truncate audit_event`)).rejects.toThrow(/append-only/);
  });

  it('is equal to its replay, and not after tampering with a row of it', async () => {
    await reset();
    await apply(log);
    await db.owner.query(
      `insert into consumer_offset (consumer, topic, partition, next_offset, next_log_offset)
       select 'projector', topic, partition, next_offset, next_offset from log_partition on conflict do nothing`,
    );
    expect(await verifyReplay({ ownerUrl: db.url })).toMatchObject({
      equal: true,
      events: log.length,
      audit: { missing: 0, differing: 0 },
    });
    await db.owner.query(
      `update rm_opt_out set state = jsonb_set(state, '{phase}', '"cutting"') where opt_out_id = (select opt_out_id from rm_opt_out limit 1)`,
    );
    expect(await verifyReplay({ ownerUrl: db.url })).toMatchObject({ equal: false });
    await reset();
    await apply(log);
    await db.owner.query('alter table audit_event disable trigger all');
    await db.owner.query(
      `update audit_event set value = value || 'x' where event_id = (select event_id from audit_event limit 1)`,
    );
    expect(await verifyReplay({ ownerUrl: db.url })).toMatchObject({ equal: false, audit: { differing: 1 } });
  });
});
