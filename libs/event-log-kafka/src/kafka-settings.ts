import { onOff, setting, type ConfigOf } from '@sever/config';
import { z } from 'zod';

/** `host:port,host:port` -> addresses. */
const brokerList = z
  .string()
  .regex(/^[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*$/, 'must be host:port, several separated by commas')
  .transform(text => text.split(','));

/** How a client proves who it is; the names that Kafka uses, in lower case. */
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;
export type SaslMechanism = (typeof MECHANISMS)[number];

const optional = z.string().min(1).optional();

/** How to reach Kafka. `KafkaConnection` is checked as a whole when a client is made. */
export const kafkaSettings = {
  kafkaBrokers: setting(
    'KAFKA_BROKERS',
    'addresses of the brokers, host:port separated by commas',
    brokerList,
  ),
  kafkaTls: setting(
    'KAFKA_TLS',
    'whether connections are encrypted; on when KAFKA_CA_FILE, KAFKA_CERT_FILE or KAFKA_USERNAME is set',
    onOff.optional(),
  ),
  kafkaCaFile: setting(
    'KAFKA_CA_FILE',
    'certificates (PEM) of the authority that signed the brokers; without it those that Node trusts',
    optional,
  ),
  kafkaCertFile: setting(
    'KAFKA_CERT_FILE',
    'certificate (PEM) of this client, for brokers that ask for one',
    optional,
  ),
  kafkaKeyFile: setting('KAFKA_KEY_FILE', 'private key (PEM) of that certificate', optional),
  kafkaMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    `how the user proves who it is: ${MECHANISMS.join(', ')}; scram-sha-512 unless set`,
    z.enum(MECHANISMS, `must be one of ${MECHANISMS.join(', ')}`).optional(),
  ),
  kafkaUser: setting('KAFKA_USERNAME', 'user on the brokers; client id for oauthbearer', optional),
  kafkaPassword: setting('KAFKA_PASSWORD', 'password of that user; client secret for oauthbearer', optional, {
    secret: true,
  }),
  kafkaTokenUrl: setting(
    'KAFKA_OAUTH_TOKEN_URL',
    'where oauthbearer gets its tokens, by client credentials',
    z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).optional(),
  ),
  kafkaTokenScope: setting('KAFKA_OAUTH_SCOPE', 'scope to ask a token for', optional),
};

type Everything = ConfigOf<typeof kafkaSettings>;

/** Everything that a client of Kafka is made from. */
export type KafkaConnection = Pick<Everything, 'kafkaBrokers'> & Partial<Omit<Everything, 'kafkaBrokers'>>;

/** The variables that make another process connect in the same way. */
export const kafkaEnvironment = (c: KafkaConnection): Record<string, string> =>
  Object.fromEntries(
    Object.entries(kafkaSettings).flatMap(([name, { env }]) => {
      const value = c[name as keyof KafkaConnection];
      if (value === undefined) return [];
      return [[env, typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)]];
    }),
  );
