import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { call, eventually, sql } from '../harness/clients.js';
import { readKafka, withoutRepetitions } from '../harness/kafka-log.js';
import { inState, makePerson, optOutsOf, register, type Person } from '../harness/person.js';
import { startPipeline, type Pipeline } from '../harness/pipeline.js';
import { sever } from '../harness/sever-command.js';

jest.setTimeout(300_000);

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

describe('the Kafka profile', () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'sever-kafka-profile-'));
  let pipeline: Pipeline;
  beforeAll(async () => {
    chmodSync(dataDir, 0o711);
    pipeline = await start('kafka');
  });
  afterAll(async () => {
    await pipeline?.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = (profile: string): Promise<Pipeline> =>
    startPipeline(['--hold', '2s', '--profile', profile], { dataDir });

  async function restart(profile: string): Promise<void> {
    expect(await pipeline.stop()).toBe(0);
    pipeline = await start(profile);
  }

  /** Entra says that somebody leaves. */
  async function leave(name: string): Promise<Person> {
    const person = await makePerson(pipeline, name);
    const id = await register(pipeline, 'entra', person.userName);
    const { baseUrl, token } = pipeline.connection('entra');
    const body = { schemas: [PATCH], Operations: [{ op: 'Replace', path: 'active', value: 'False' }] };
    expect((await call('PATCH', `${baseUrl}/Users/${id}`, token, body)).status).toBe(204);
    return person;
  }

  async function expectGone(person: Person): Promise<void> {
    const closed = await inState(pipeline, person.userName, ['closed'], 120_000);
    expect(closed.connectors.map(c => c.state)).toEqual(['purged', 'purged']);
    expect(await optOutsOf(pipeline, person.userName)).toHaveLength(1);
    expect(await person.roleExists()).toBe(false);
    expect((await person.scimUser()).status).toBe(404);
  }

  async function expectEqualReplay(): Promise<void> {
    const verified = await sever(pipeline, ['replay', 'verify', '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({ equal: true });
  }

  /** What Kafka holds, repetitions dropped, is the log in PostgreSQL. */
  async function expectSameLog(): Promise<void> {
    const brokers = pipeline.ready.kafkaBrokers ?? '';
    const idsInLog = () =>
      sql(
        pipeline.ready.databaseUrl,
        'select event_id::text as id from log_record order by topic, partition, "offset"',
      );
    await eventually(
      'Kafka holds the log',
      async () => {
        const kafka = withoutRepetitions(await readKafka(brokers, ['outcomes', 'requests']));
        const ordered = [...kafka].sort(
          (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.logOffset - b.logOffset,
        );
        const log = await idsInLog();
        return JSON.stringify(ordered.map(e => e.id)) === JSON.stringify(log.map(row => row['id']));
      },
      60_000,
      500,
    );
  }

  it('names its brokers and their processes', () => {
    const { ready } = pipeline;
    expect(ready).toMatchObject({
      profile: 'kafka',
      kafkaBrokers: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    });
    expect(ready.processes.map(p => p.name)).toEqual(
      expect.arrayContaining(['kafka-1', 'relay', 'projector']),
    );
  });

  it('cuts and purges somebody through Kafka', async () => {
    await expectGone(await leave('through-kafka'));
    await expectSameLog();
    await expectEqualReplay();
  });

  it('accepts an opt-out while the broker is dead, and carries it out when it is back', async () => {
    const broker = pipeline.current().processes.find(p => p.name === 'kafka-1');
    process.kill(broker?.pid ?? 0, 'SIGKILL');
    await expectGone(await leave('broker-down'));
    expect(pipeline.log()).toContain('kafka-1 ended (SIGKILL)');
    await expectSameLog();
  });

  it('carries out what is accepted while the relay is killed', async () => {
    const relay = pipeline.current().processes.find(p => p.name === 'relay');
    process.kill(relay?.pid ?? 0, 'SIGKILL');
    await expectGone(await leave('relay-down'));
    await expectSameLog();
  });

  it('hands its folder to the embedded profile and takes it back', async () => {
    await restart('embedded');
    expect(pipeline.ready).toMatchObject({ profile: 'embedded', kafkaBrokers: null });
    await expectGone(await leave('embedded-between'));
    await restart('kafka');
    await expectGone(await leave('kafka-again'));
    await expectSameLog();
    await expectEqualReplay();
  });
});
