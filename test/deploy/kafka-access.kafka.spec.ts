import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { pipelineUsers } from '@sever/kafka-cluster';
import type { Kafka } from 'kafkajs';
import { makeBrokerCertificates } from '../../apps/sever/src/setup/kafka-certificates.js';
import {
  consume,
  createTopic,
  kafkaClientWith,
  produce,
} from '../../libs/kafka-cluster/src/testing/kafka-session.js';
import { eventually } from '../harness/clients.js';
import { readCompose } from './compose-file.js';
import { ComposedStack } from './composed-stack.js';
import { startDeployedBrokers, type DeployedBrokers } from './deployed-brokers.js';

jest.setTimeout(400_000);

describe('the brokers of deploy/compose.yaml', () => {
  const compose = readCompose('compose.yaml', { SEVER_HOLD: 'none' });
  let stack: ComposedStack;
  let cluster: DeployedBrokers;
  const secret = (name: string): string => stack.secret(name);
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

  beforeAll(async () => {
    stack = await ComposedStack.prepare();
    // The same certificate for the name that these brokers have here.
    const { ca, broker } = await makeBrokerCertificates('sever-broker', ['localhost']);
    stack.keepSecret('kafka-ca.pem', ca);
    stack.keepSecret('kafka-broker.pem', broker);
    cluster = await startDeployedBrokers(stack.folder);
    stack.places['kafka-1:9092,kafka-2:9092,kafka-3:9092'] = cluster.brokers;
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
    await stack.stopApps();
    await cluster.stop();
    await stack.dispose();
  });

  it('learn their users, topics and access rules, and nothing changes the second time', async () => {
    expect(await cluster.setUsers()).toMatchObject({ code: 0 });
    const users = pipelineUsers(['scim', 'postgres']);
    const first = stack.setUp(compose);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain(`access rules on Kafka for ${users.map(u => u.name).join(', ')}`);
    const rules = (): Promise<number> =>
      admin('admin', async a => {
        const all = { resourceType: 1, resourcePatternType: 1, permissionType: 1, operation: 1 };
        const { resources } = await a.describeAcls(all as Parameters<typeof a.describeAcls>[0]);
        return resources.flatMap(r => r.acls).length;
      });
    const wanted = users.reduce(
      (sum, u) => sum + u.reads.length + u.writes.length + (u.group === undefined ? 0 : 1),
      0,
    );
    await eventually('every rule on every broker', async () => (await rules()) === wanted);
    expect(await cluster.setUsers()).toMatchObject({ code: 0 });
    expect(stack.setUp(compose)).toMatchObject({ status: 0, stderr: '' });
    expect(await rules()).toBe(wanted);
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

  it('serve the whole pipeline: every process with its own user, an opt-out through to the end', async () => {
    expect(await stack.startApps(compose)).toEqual([
      'connector-postgres',
      'connector-scim',
      'coordinator',
      'projector',
      'relay',
      'scim-ingress',
    ]);
    expect(await stack.optOut('leaver@acme.example')).toMatchObject({ scimStatus: 404, roles: 0 });
    const ended = await stack.stopApps();
    expect(new Set(Object.values(ended))).toEqual(new Set([0]));
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
    expect(await consume(as('connector-scim'), 'connector-scim', 'requests', 1)).toHaveLength(1);
    expect(await consume(as('projector'), 'projector', 'outcomes', 1)).toHaveLength(1);
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
    stack.keepSecret('kafka-relay-password', 'another-password-of-the-relay');
    expect(await cluster.setUsers()).toMatchObject({ code: 0 });
    await eventually('the new password', () => produce(as('relay'), 'requests', ['again']).then(() => true));
    await expect(produce(as('relay', old), 'requests', ['stale'])).rejects.toThrow(/authentication failed/i);
  });

  it('make the set-up say so when its user is no administrator, or none at all', () => {
    const asRelay = structuredClone(compose);
    Object.assign(asRelay.services.setup?.environment ?? {}, {
      KAFKA_USERNAME: 'relay',
      KAFKA_PASSWORD_FILE: '/run/secrets/kafka-relay-password',
    });
    expect(stack.setUp(asRelay)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/relay must be an administrator.*\(kafka\.refused\)/),
    });
    stack.keepSecret('kafka-admin-password', 'wrong');
    expect(stack.setUp(compose)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('(log.unauthenticated)'),
    });
  });
});
