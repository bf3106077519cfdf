import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { eventually } from '@sever/event-log/testing';
import { pipelineUsers } from '@sever/kafka-cluster';
import { startScratchKafka } from '@sever/kafka-cluster/testing';
import { ensureKafkaTopics } from './ensure-kafka-topics.js';
import type { KafkaConnection } from './kafka-settings.js';
import { createKafkaRelayTarget } from './kafka-relay-target.js';
import { plainConnection } from './testing/index.js';

jest.setTimeout(120_000);

const SECURITY = 'org.apache.kafka.common.security';
const PASSWORD = 'made-for-the-spec';

/** A token as the brokers of this test take it: not signed, for whoever it names. */
function tokenFor(user: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1_000);
  return `${part({ alg: 'none' })}.${part({ sub: user, iat: now, exp: now + 300 })}.`;
}

describe('a user who proves itself to real brokers', () => {
  let cluster: Awaited<ReturnType<typeof startScratchKafka>>;
  let tokens: Server;
  let kafkaCaFile: string;
  beforeAll(async () => {
    cluster = await startScratchKafka({
      security: { users: pipelineUsers([]) },
      settings: {
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN,OAUTHBEARER',
        'listener.name.client.plain.sasl.jaas.config': `${SECURITY}.plain.PlainLoginModule required user_relay="${PASSWORD}";`,
        'listener.name.client.oauthbearer.sasl.jaas.config': `${SECURITY}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      },
    });
    kafkaCaFile = path.join(cluster.dataDir, 'ca-of-clients.pem');
    writeFileSync(kafkaCaFile, cluster.security?.ca ?? '', { mode: 0o600 });
    tokens = createServer((_request, response) =>
      response.end(JSON.stringify({ access_token: tokenFor('relay') })),
    );
    await new Promise<void>(resolve => tokens.listen(0, '127.0.0.1', resolve));
    const { username, password } = cluster.security?.credential('admin') ?? {};
    await ensureKafkaTopics({ ...encrypted(), kafkaUser: username, kafkaPassword: password }, [
      { topic: 'requests', partitions: 1 },
    ]);
  });
  afterAll(async () => {
    await new Promise(resolve => tokens.close(resolve));
    await cluster.dispose();
  });

  const encrypted = (): KafkaConnection => ({ ...plainConnection(cluster.brokers), kafkaCaFile });
  const scram = (): Partial<KafkaConnection> => ({
    kafkaPassword: cluster.security?.credential('relay').password,
  });
  const ways: [string, () => Partial<KafkaConnection>][] = [
    ['scram-sha-512 without a word about it', scram],
    ['plain', () => ({ kafkaMechanism: 'plain', kafkaPassword: PASSWORD })],
    [
      'oauthbearer',
      () => ({
        ...{ kafkaMechanism: 'oauthbearer', kafkaPassword: 'a client secret' },
        kafkaTokenUrl: `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/`,
      }),
    ],
  ];

  /** Writes as the relay. */
  async function send(over: Partial<KafkaConnection>): Promise<void> {
    const target = createKafkaRelayTarget({ ...encrypted(), kafkaUser: 'relay', ...over });
    try {
      await target.send([
        {
          ...{ topic: 'requests', partition: 0, key: 'k', type: 'happened', headers: {}, timestamp: 0 },
          ...{ offset: 0n, logOffset: 0n, value: Buffer.from('{}') },
        },
      ]);
    } finally {
      await target.close();
    }
  }

  it.each(ways)('by %s may do what its rules say', async (_way, over) => {
    await eventually('an acknowledgement', () =>
      send(over()).then(
        () => true,
        () => false,
      ),
    );
  });

  it.each([
    ['with a wrong password', { kafkaPassword: 'wrong' }],
    ['with a wrong password in plain', { kafkaMechanism: 'plain' as const, kafkaPassword: 'wrong' }],
    ['with a mechanism that is off', { kafkaMechanism: 'scram-sha-256' as const, kafkaPassword: PASSWORD }],
  ])('%s is told what to check, and no secret is in that', async (_how, over) => {
    const failure = await send(over).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'log.unauthenticated',
      message: expect.stringMatching(/KAFKA_USERNAME.*KAFKA_SASL_MECHANISM/),
    });
    expect(String(failure)).not.toMatch(/wrong|made-for/);
  });

  it('is told that the brokers are not trusted, without their authority', async () => {
    const over = { ...scram(), kafkaCaFile: undefined };
    await expect(send(over)).rejects.toMatchObject({
      code: 'log.untrusted',
      message: expect.stringContaining('KAFKA_CA_FILE'),
    });
  });
});
