import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { partitionKey, type LogRecord } from '@sever/event-log';
import { createKafkaRelayTarget } from '@sever/event-log-kafka';
import { plainConnection } from '@sever/event-log-kafka/testing';
import { createPostgresEventLogAdmin } from '@sever/event-log-postgres';
import { openDatabase } from '@sever/postgres';
import { call, eventually, sql } from '../../harness/clients.js';
import { startPipeline, type Pipeline } from '../../harness/pipeline.js';
import { checkHistory, namesOf } from '../history/check-history.js';
import type { Finding } from '../history/finding.js';
import { kafka } from '../history/pipeline/kafka-profile.js';
import { Workload, type Observed } from '../history/pipeline/workload.js';
import { commitAs, endsOnKafka } from './commit-as.js';
import { embeddedDigest, liveDigest } from './embedded-digest.js';
import { OPTIONS } from './describe-faults.js';
import { Site } from './site.js';

jest.setTimeout(420_000);

const WORK_MS = 12_000;
const REST_MS = 120_000;
/** What is broken does not come to rest; the looks are taken anyway. */
const UNREST_MS = 15_000;
const TOPICS = ['requests', 'outcomes'];
const RECORDS = /\.(log|index|timeindex|snapshot)$/;

/** Empties the partitions of a broker that is down; the topics stay. */
function forgetRecords(data: string): void {
  const partitions = readdirSync(data).filter(name => TOPICS.some(topic => name.startsWith(`${topic}-`)));
  for (const name of partitions.map(partition => path.join(data, partition)))
    for (const file of readdirSync(name).filter(f => RECORDS.test(f))) rmSync(path.join(name, file));
}

/** What the faults of brokers are checked with finds what a broken relay, consumer or broker would do. In this order: nothing is mended. */
describe('a pipeline on Kafka that is sabotaged', () => {
  let pipeline: Pipeline;
  let workload: Workload;
  let site: Site;
  let before: Finding[] = [];

  beforeAll(async () => {
    pipeline = await startPipeline(OPTIONS);
    workload = await Workload.start({ pipeline, profile: kafka, seed: 5, people: 6, mayOverlap: false });
    site = new Site(pipeline, member => workload.join(member));
    await workload.during(() => new Promise(resolve => setTimeout(resolve, WORK_MS)));
  });
  afterAll(async () => {
    await workload?.stop();
    await pipeline?.dispose();
  });

  /** What a sabotage adds to what was found before it. */
  async function newlyFound(seen: Observed): Promise<Finding[]> {
    const findings = checkHistory([...seen.seenMeanwhile, ...(await seen.lookAgain())]);
    const known = new Set(before.map(f => f.explanation));
    before = findings;
    return findings.filter(f => !known.has(f.explanation));
  }

  const optOut = async (userName: string): Promise<string> => {
    const { baseUrl, token } = pipeline.ready.api;
    const body = { tenant: 'acme', userName: `${userName}@acme.example`, create: true };
    const { status, body: made } = await call('POST', `${baseUrl}/v1/opt-outs`, token, body);
    expect(status).toBe(202);
    return String(made.id);
  };

  const placeOf = async (optOutId: string): Promise<{ partition: number; offset: number }> => {
    const [place] = await sql<{ partition: number; offset: string }>(
      pipeline.ready.databaseUrl,
      `select partition, "offset" from log_requests where headers ->> 'sever_optout' = $1 order by "offset" limit 1`,
      [optOutId],
    );
    if (!place) throw new Error(`no record of ${optOutId}`);
    return { partition: place.partition, offset: Number(place.offset) };
  };

  it('shows nothing wrong before', async () => {
    const seen = await workload.rest(REST_MS);
    expect(seen.unrest).toBeUndefined();
    expect(await newlyFound(seen)).toEqual([]);
  });

  it('has another digest than the embedded profile when a row of the read models is gone', async () => {
    const { databaseUrl } = pipeline.ready;
    const embedded = await embeddedDigest(pipeline);
    expect(await liveDigest(pipeline)).toBe(embedded);
    await sql(databaseUrl, 'create table stolen as select * from rm_opt_out limit 1');
    await sql(databaseUrl, 'delete from rm_opt_out where opt_out_id = (select opt_out_id from stolen)');
    expect(await liveDigest(pipeline)).not.toBe(embedded);
    await sql(databaseUrl, 'insert into rm_opt_out select * from stolen; drop table stolen');
    expect(await liveDigest(pipeline)).toBe(embedded);
  });

  it('names it when a position is committed before its record was acted on', async () => {
    const group = 'connector-scim';
    const passedOver = await (async () => {
      for (let round = 0; ; round += 1) {
        const pid = site.pidOf(group);
        site.signal(group, 'SIGTERM');
        await eventually('an empty group', async () => (await site.roles.membersOf(group)).length === 0);
        const ends = await endsOnKafka(pipeline);
        const id = await optOut(`passed.over.${round}`);
        const { partition } = await placeOf(id);
        const isCommitted = await commitAs(pipeline, group, partition, ends);
        await site.successorOf(group, pid);
        if (isCommitted) return id;
      }
    })();
    const seen = await workload.rest(UNREST_MS);
    expect(seen.unrest).toContain(passedOver);
    const found = await newlyFound(seen);
    expect(namesOf(found)).toEqual(['unapplied']);
    expect(found.every(f => f.reader === group)).toBe(true);
  });

  it('names it when a relay regroups a batch that failed, and a later record comes first', async () => {
    site.signal('relay', 'SIGSTOP');
    const ids = await Promise.all(['first', 'second', 'third'].map(name => optOut(`regrouped.${name}`)));
    const { partition, offset } = await placeOf(ids[0] ?? '');
    const owner = await openDatabase({
      url: pipeline.ready.databaseUrl,
      applicationName: 'test',
      poolMax: 1,
    });
    const target = createKafkaRelayTarget(plainConnection(pipeline.ready.kafkaBrokers ?? ''));
    try {
      // Somebody else speaks of the same person, so that two records of one partition wait.
      const { baseUrl, token } = pipeline.ready.api;
      await call('POST', `${baseUrl}/v1/opt-outs/${ids[0]}/restore`, token, { reason: 'asked by mistake' });
      const log = createPostgresEventLogAdmin(owner);
      const from = new Map([[partitionKey({ topic: 'requests', partition }), BigInt(offset)]]);
      const to = new Map([...(await log.endOffsets('requests'))].filter(([key]) => from.has(key)));
      const waiting: LogRecord[] = [];
      for await (const records of log.scan({ topics: ['requests'], from, to })) waiting.push(...records);
      expect(waiting.length).toBeGreaterThan(1);
      await target.send([...waiting].reverse());
    } finally {
      await target.close();
      await owner.destroy();
    }
    const seen = await workload.rest(UNREST_MS);
    expect(seen.unrest).toBeDefined();
    expect(namesOf(await newlyFound(seen))).toContain('unseen');
    site.signal('relay', 'SIGCONT');
  });

  it('names it when a broker comes back without its records', async () => {
    site.signal('relay', 'SIGSTOP');
    const pid = site.pidOf('kafka-1');
    process.kill(pid, 'SIGKILL');
    forgetRecords(path.join(pipeline.dataDir, 'kafka/node-1/data'));
    await site.successorOf('kafka-1', pid);
    const seen = await workload.rest(UNREST_MS);
    expect(namesOf(await newlyFound(seen))).toContain('unseen');
    site.signal('relay', 'SIGCONT');
  });
});
