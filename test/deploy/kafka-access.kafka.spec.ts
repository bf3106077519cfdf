import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startScratchPostgres } from '@sever/embedded-postgres/testing';
import { pipelineUsers } from '@sever/kafka-cluster';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Kafka } from 'kafkajs';
import { makeBrokerCertificates } from '../../apps/sever/src/setup/kafka-certificates.js';
import { makeSecrets } from '../../apps/sever/src/setup/make-secrets.js';
import { runSetup } from '../../apps/sever/src/setup/run-setup.js';
import {
  consume,
  createTopic,
  kafkaClientWith,
  produce,
} from '../../libs/kafka-cluster/src/testing/kafka-session.js';
import { eventually } from '../harness/clients.js';
import { startDeployedBrokers, type DeployedBrokers } from './deployed-brokers.js';

jest.setTimeout(400_000);

const example = path.resolve(import.meta.dirname, '../../deploy/instances.example.json');

describe('the brokers of deploy/compose.yaml', () => {
  let folder: string;
  let database: Awaited<ReturnType<typeof startScratchPostgres>>;
  let cluster: DeployedBrokers;
  const secret = (name: string): string => readFileSync(path.join(folder, 'secrets', name), 'utf8');
  const as = (username: string, password = secret(`kafka-${username}-password`)): Kafka =>
    kafkaClientWith({
      brokers: cluster.brokers.split(','),
      ssl: { ca: [secret('kafka-ca.pem')] },
      sasl: { mechanism: 'scram-sha-512', username, password },
      connectionTimeout: 3_000,
      retry: { retries: 3 },
    });
  const admin = async <T>(user: string, work: (a: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> => {
    const client = as(user).admin();
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.disconnect();
    }
  };
  const setUp = () =>
    runSetup(
      { secretsDir: path.join(folder, 'secrets'), instancesFile: example },
      {
        DATABASE_URL: database.url,
        SEVER_KEYS_DIR: path.join(folder, 'keys'),
        KAFKA_BROKERS: cluster.brokers,
        KAFKA_CA_FILE: path.join(folder, 'secrets', 'kafka-ca.pem'),
        KAFKA_USERNAME: 'admin',
        KAFKA_PASSWORD_FILE: path.join(folder, 'secrets', 'kafka-admin-password'),
      },
    );

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-brokers-'));
    database = await startScratchPostgres({ fsync: 'off' });
    const dir = path.join(folder, 'secrets');
    await makeSecrets({ dir, instancesFile: example, kafka: true }, { DATABASE_URL: database.url });
    // The same certificate for the name that these brokers have here.
    const { ca, broker } = await makeBrokerCertificates('sever-broker', ['localhost']);
    writeFileSync(path.join(dir, 'kafka-ca.pem'), ca);
    writeFileSync(path.join(dir, 'kafka-broker.pem'), broker);
    cluster = await startDeployedBrokers(folder);
    await eventually(
      'three brokers',
      () => admin('admin', async a => (await a.describeCluster()).brokers.length === 3),
      300_000,
      500,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${cluster.log()}`);
    });
  });
  afterAll(async () => {
    await cluster.stop();
    await database.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('learn their users, topics and access rules, and nothing changes the second time', async () => {
    expect(await cluster.setUsers()).toMatchObject({ code: 0 });
    const report = await setUp();
    expect(report.kafkaUsers).toEqual(pipelineUsers(['scim', 'postgres']).map(u => u.name));
    const { resources } = await admin('admin', a =>
      a.describeAcls({
        resourceType: 1,
        resourcePatternType: 1,
        permissionType: 1,
        operation: 1,
      } as Parameters<typeof a.describeAcls>[0]),
    );
    const rules = resources.flatMap(r => r.acls).length;
    expect(rules).toBe(
      pipelineUsers(['scim', 'postgres']).reduce(
        (sum, u) => sum + u.reads.length + u.writes.length + (u.group === undefined ? 0 : 1),
        0,
      ),
    );
    expect(await cluster.setUsers()).toMatchObject({ code: 0 });
    expect(await setUp()).toMatchObject({ kafkaUsers: report.kafkaUsers, migrations: 0 });
  });

  it('keep every record for ever, three times, two of them before an acknowledgement', async () => {
    const { resources } = await admin('admin', a =>
      a.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: 'requests' }] }),
    );
    const settings = new Map(resources[0]?.configEntries.map(e => [e.configName, e.configValue]));
    expect(Object.fromEntries(settings)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'min.insync.replicas': '2',
      'unclean.leader.election.enable': 'false',
    });
    const { topics } = await admin('admin', a => a.fetchTopicMetadata({ topics: ['requests', 'outcomes'] }));
    for (const { partitions } of topics) {
      expect(partitions).toHaveLength(48);
      expect(new Set(partitions.map(p => p.replicas.length))).toEqual(new Set([3]));
    }
  });

  it('let the relay write, a connector read requests in its own group, and nobody anything else', async () => {
    // Rules reach every broker a moment after the controller took them.
    for (const [topic, value] of [
      ['requests', 'r'],
      ['outcomes', 'o'],
    ] as const)
      await eventually(`the right to write ${topic}`, () =>
        produce(as('relay'), topic, [value]).then(() => true),
      );
    expect(await consume(as('connector-scim'), 'connector-scim', 'requests', 1)).toEqual(['r']);
    expect(await consume(as('projector'), 'projector', 'outcomes', 1)).toEqual(['o']);
    await expect(consume(as('connector-scim'), 'connector-scim', 'outcomes', 1)).rejects.toMatchObject({
      type: 'TOPIC_AUTHORIZATION_FAILED',
    });
    await expect(consume(as('connector-scim'), 'connector-postgres', 'requests', 1)).rejects.toThrow(
      /authoriz|coordinator/i,
    );
    for (const user of ['connector-scim', 'connector-postgres', 'coordinator', 'projector'])
      await expect(produce(as(user), 'requests', ['forged'])).rejects.toThrow(/not authorized/i);
    await expect(createTopic(as('relay'), 'mine', 1)).rejects.toMatchObject({
      errors: [{ type: 'TOPIC_AUTHORIZATION_FAILED' }],
    });
  });

  it('take a new password with the next run, and the old one no longer', async () => {
    const old = secret('kafka-relay-password');
    writeFileSync(path.join(folder, 'secrets', 'kafka-relay-password'), 'another-password-of-the-relay');
    expect(await cluster.setUsers()).toMatchObject({ code: 0 });
    await eventually('the new password', () => produce(as('relay'), 'requests', ['again']).then(() => true));
    await expect(produce(as('relay', old), 'requests', ['stale'])).rejects.toThrow(/authentication failed/i);
  });

  it('make the set-up say so when the user is no administrator', async () => {
    writeFileSync(
      path.join(folder, 'secrets', 'kafka-admin-password'),
      secret('kafka-admin-password').toUpperCase(),
    );
    await expect(setUp()).rejects.toMatchObject({ code: 'log.unavailable', exit: 3 });
  });
});
