import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { ConfigError } from '@sever/config';
import type { SASLOptions } from 'kafkajs';
import { clientCredentials } from './client-credentials.js';
import type { KafkaConnection } from './kafka-settings.js';

/** What the client needs for encryption and for who it is. */
export type KafkaSecurity = { ssl?: ConnectionOptions | true; sasl?: SASLOptions };

/**
 * Checks the settings of a connection as a whole and reads the files that they name.
 * @throws ConfigError every problem with its code and what to do, no value of a secret
 */
export function kafkaSecurity(c: KafkaConnection): KafkaSecurity {
  const problems = [...tlsProblems(c), ...userProblems(c)];
  if (problems.length > 0) throw new ConfigError(problems);
  const files = { ...pemOf('ca', c.kafkaCaFile, isCertificate), ...pairOf(c) };
  const sasl = saslOf(c);
  return {
    ...(isEncrypted(c) && { ssl: Object.keys(files).length > 0 ? files : true }),
    ...(sasl && { sasl }),
  };
}

const isEncrypted = (c: KafkaConnection): boolean =>
  c.kafkaTls ?? [c.kafkaCaFile, c.kafkaCertFile, c.kafkaUser].some(value => value !== undefined);

function tlsProblems(c: KafkaConnection): string[] {
  const problems: string[] = [];
  if (!isEncrypted(c)) {
    if (c.kafkaUser !== undefined)
      problems.push(
        'KAFKA_TLS is off and KAFKA_USERNAME is set: a password is only sent encrypted; take KAFKA_TLS away (kafka.tls-needed)',
      );
    if (c.kafkaCaFile !== undefined || c.kafkaCertFile !== undefined)
      problems.push(
        'KAFKA_TLS is off and KAFKA_CA_FILE or KAFKA_CERT_FILE is set: take away one of them (kafka.tls-conflict)',
      );
  }
  if ((c.kafkaCertFile === undefined) !== (c.kafkaKeyFile === undefined))
    problems.push(
      'KAFKA_CERT_FILE and KAFKA_KEY_FILE belong together: set both or none (kafka.key-pair-incomplete)',
    );
  return problems;
}

function userProblems(c: KafkaConnection): string[] {
  const problems: string[] = [];
  if (c.kafkaUser !== undefined && c.kafkaPassword === undefined)
    problems.push(
      'KAFKA_USERNAME is set and KAFKA_PASSWORD is not: set it, or KAFKA_PASSWORD_FILE (kafka.password-missing)',
    );
  if (c.kafkaUser === undefined && (c.kafkaPassword !== undefined || c.kafkaMechanism !== undefined))
    problems.push(
      'KAFKA_PASSWORD or KAFKA_SASL_MECHANISM is set and KAFKA_USERNAME is not: say who this is (kafka.user-missing)',
    );
  const isOAuth = c.kafkaMechanism === 'oauthbearer';
  if (isOAuth && c.kafkaTokenUrl === undefined)
    problems.push(
      'KAFKA_SASL_MECHANISM is oauthbearer: set KAFKA_OAUTH_TOKEN_URL to where tokens come from (kafka.token-url-missing)',
    );
  if (!isOAuth && (c.kafkaTokenUrl ?? c.kafkaTokenScope) !== undefined)
    problems.push(
      'KAFKA_OAUTH_TOKEN_URL or KAFKA_OAUTH_SCOPE is set and KAFKA_SASL_MECHANISM is not oauthbearer: set it (kafka.mechanism-conflict)',
    );
  return problems;
}

function saslOf(c: KafkaConnection): SASLOptions | undefined {
  const { kafkaUser: username, kafkaPassword: password, kafkaMechanism: mechanism = 'scram-sha-512' } = c;
  if (username === undefined || password === undefined) return undefined;
  if (mechanism !== 'oauthbearer') return { mechanism, username, password } as SASLOptions;
  const url = c.kafkaTokenUrl ?? '';
  const token = clientCredentials({ url, clientId: username, secret: password, scope: c.kafkaTokenScope });
  return { mechanism, oauthBearerProvider: token };
}

function pairOf(c: KafkaConnection): ConnectionOptions {
  if (c.kafkaCertFile === undefined || c.kafkaKeyFile === undefined) return {};
  const pair = {
    ...pemOf('cert', c.kafkaCertFile, isCertificate),
    ...pemOf('key', c.kafkaKeyFile, isKey),
  };
  if (!new X509Certificate(pair.cert ?? '').checkPrivateKey(createPrivateKey(pair.key ?? '')))
    throw new ConfigError([
      'KAFKA_KEY_FILE is not the key of KAFKA_CERT_FILE: name the two that were made together (kafka.key-pair-mismatch)',
    ]);
  return pair;
}

const VARIABLE = { ca: 'KAFKA_CA_FILE', cert: 'KAFKA_CERT_FILE', key: 'KAFKA_KEY_FILE' } as const;

function pemOf<K extends keyof typeof VARIABLE>(
  kind: K,
  file: string | undefined,
  isUsable: (pem: string) => unknown,
): { [P in K]?: string } {
  if (file === undefined) return {};
  const pem = readPem(VARIABLE[kind], file);
  try {
    isUsable(pem);
  } catch {
    throw new ConfigError([
      `${VARIABLE[kind]} holds no ${kind === 'key' ? 'private key without a password' : 'certificate'} in PEM: ` +
        `convert it, for example with openssl (kafka.${kind}-unusable)`,
    ]);
  }
  return { [kind]: pem } as { [P in K]?: string };
}

function readPem(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError([
      `${variable} names a file that cannot be read (${why}): correct the path or its rights (kafka.file-unreadable)`,
    ]);
  }
}

const isCertificate = (pem: string): unknown => new X509Certificate(pem);
const isKey = (pem: string): unknown => createPrivateKey(pem);
