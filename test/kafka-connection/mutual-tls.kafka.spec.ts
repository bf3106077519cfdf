import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '@sever/embedded-postgres';
import {
  createKafkaRelayTarget,
  ensureKafkaTopics,
  grantOnKafka,
  type KafkaConnection,
} from '@sever/event-log-kafka';
import { accessRules } from '@sever/kafka-cluster';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { makeBrokerCertificates } from '../../apps/sever/src/setup/kafka-certificates.js';

jest.setTimeout(120_000);

/** Brokers that know their users by certificates, as some managed clusters do. */
describe('brokers with mutual TLS', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  let port: number;
  const at = (name: string): string => path.join(cluster.dataDir, name);
  beforeAll(async () => {
    cluster = await startScratchKafka();
    port = await freePort();
    const of = (name: string) => makeBrokerCertificates(name, ['localhost']);
    const [broker, relay, stranger] = [await of('broker'), await of('relay'), await of('stranger')];
    const files = {
      ...{ 'ca.pem': broker.ca, 'clients.pem': relay.ca, 'broker.pem': broker.broker },
      ...{ 'relay.pem': relay.broker, 'stranger.pem': stranger.broker },
    };
    for (const [name, pem] of Object.entries(files)) writeFileSync(at(name), pem, { mode: 0o600 });
    await addDoor();
    const topics = ['requests', 'outcomes'].map(topic => ({ topic, partitions: 1 }));
    await ensureKafkaTopics(plain(), topics);
    await grantOnKafka(plain(), accessRules([{ name: 'CN=relay', reads: [], writes: ['requests'] }]));
  });
  afterAll(() => cluster.dispose());

  /** Who needs no certificate may do everything here: the test prepares the cluster so. */
  const plain = (): KafkaConnection => ({ kafkaBrokers: cluster.brokers.split(',') });
  const as = (name: string): KafkaConnection => ({
    kafkaBrokers: [`localhost:${port}`],
    ...{ kafkaCaFile: at('ca.pem'), kafkaCertFile: at(`${name}.pem`), kafkaKeyFile: at(`${name}.pem`) },
  });

  /** Restarts the broker with one more listener. Its folder keeps the settings. */
  async function addDoor(): Promise<void> {
    const [node] = cluster.nodes;
    await node?.kill();
    const file = at(`node-${node?.id}/server.properties`);
    const settings = readFileSync(file, 'utf8')
      .replace(/^(listeners=.*)$/m, `$1,MUTUAL://127.0.0.1:${port}`)
      .replace(/^(advertised\.listeners=.*)$/m, `$1,MUTUAL://localhost:${port}`)
      .replace(/^(listener\.security\.protocol\.map=.*)$/m, '$1,MUTUAL:SSL');
    const more = {
      'listener.name.mutual.ssl.client.auth': 'required',
      'listener.name.mutual.ssl.keystore.type': 'PEM',
      'listener.name.mutual.ssl.keystore.location': at('broker.pem'),
      'listener.name.mutual.ssl.truststore.type': 'PEM',
      'listener.name.mutual.ssl.truststore.location': at('clients.pem'),
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    };
    const lines = Object.entries(more).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, settings + lines.join(''));
    await node?.start();
  }

  /** @returns the offsets behind what was written */
  async function send(connection: KafkaConnection, topic = 'requests'): Promise<unknown> {
    const target = createKafkaRelayTarget(connection);
    const record = {
      ...{ topic, partition: 0, key: 'k', type: 'happened', headers: {}, timestamp: 0 },
      ...{ offset: 0n, logOffset: 0n, value: Buffer.from('{}') },
    };
    try {
      return await target.send([record]);
    } finally {
      await target.close();
    }
  }

  it('know the relay by its certificate and take what it writes', async () => {
    expect(await send(as('relay'))).toEqual(new Map([['requests/0', 1n]]));
  });

  it('hold it to what its name may do', async () => {
    await expect(send(as('relay'), 'outcomes')).rejects.toThrow(/not authorized/i);
  });

  it('do not take a certificate of another authority', async () => {
    await expect(send(as('stranger'))).rejects.toMatchObject({ code: 'log.unauthenticated' });
  });

  it('want a certificate', async () => {
    const nobody = { kafkaBrokers: [`localhost:${port}`], kafkaCaFile: at('ca.pem') };
    await expect(send(nobody)).rejects.toMatchObject({ code: 'log.unauthenticated' });
  });
});
