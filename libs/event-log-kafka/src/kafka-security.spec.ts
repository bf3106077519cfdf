import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError, loadConfig } from '@sever/config';
import type { SASLOptions } from 'kafkajs';
import { kafkaSecurity } from './kafka-security.js';
import { kafkaEnvironment, kafkaSettings } from './kafka-settings.js';

const SECRET = 'hunter2-of-the-spec';

const secure = (env: NodeJS.ProcessEnv) =>
  kafkaSecurity(loadConfig(kafkaSettings, { KAFKA_BROKERS: 'a:1', ...env }));

function problemOf(env: NodeJS.ProcessEnv): string {
  try {
    secure(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return String(error);
  }
  throw new Error('it was accepted');
}

describe('the settings of a connection to Kafka', () => {
  let folder: string;
  let server: Server;
  let asked: { authorization: string | undefined; body: string }[] = [];
  const at = (name: string): string => path.join(folder, name);
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-kafka-security-'));
    writeFileSync(at('not-pem'), 'not a certificate');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(at('key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    server = createServer((request, response) => {
      let body = '';
      request.on('data', data => (body += String(data)));
      request.on('end', () => {
        asked.push({ authorization: request.headers.authorization, body });
        response.statusCode = body.includes('scope=refused') ? 401 : 200;
        response.end(JSON.stringify({ access_token: 'a-token', expires_in: 60 }));
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise(resolve => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const user = { KAFKA_USERNAME: 'relay', KAFKA_PASSWORD: SECRET };

  it('mean no encryption where nothing is said, and encryption by known authorities where a user is', () => {
    expect(secure({})).toEqual({});
    expect(secure({ KAFKA_TLS: 'on' })).toEqual({ ssl: true });
    expect(secure(user)).toEqual({
      ssl: true,
      sasl: { mechanism: 'scram-sha-512', username: 'relay', password: SECRET },
    });
  });

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])('take the mechanism %s', mechanism => {
    expect(secure({ ...user, KAFKA_SASL_MECHANISM: mechanism }).sasl).toEqual({
      ...{ mechanism, username: 'relay', password: SECRET },
    });
  });

  const oauth = (): Record<string, string> => ({
    ...{ KAFKA_USERNAME: 'a client', KAFKA_PASSWORD: 'p:w', KAFKA_SASL_MECHANISM: 'oauthbearer' },
    KAFKA_OAUTH_TOKEN_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
  });
  const tokenOf = (sasl: SASLOptions | undefined): Promise<{ value: string }> => {
    if (sasl?.mechanism !== 'oauthbearer') throw new Error('not oauthbearer');
    return sasl.oauthBearerProvider();
  };

  it('get tokens by client credentials', async () => {
    asked = [];
    const { sasl } = secure({ ...oauth(), KAFKA_OAUTH_SCOPE: 'kafka' });
    expect(await tokenOf(sasl)).toEqual({ value: 'a-token' });
    expect(asked).toEqual([
      {
        authorization: `Basic ${Buffer.from('a+client:p%3Aw').toString('base64')}`,
        body: 'grant_type=client_credentials&scope=kafka',
      },
    ]);
  });

  it('say what to check when no token comes', async () => {
    const { sasl } = secure({ ...oauth(), KAFKA_OAUTH_SCOPE: 'refused' });
    await expect(tokenOf(sasl)).rejects.toMatchObject({
      code: 'log.unauthenticated',
      message: expect.stringContaining('KAFKA_OAUTH_TOKEN_URL'),
    });
    const away = secure({ ...oauth(), KAFKA_OAUTH_TOKEN_URL: 'http://127.0.0.1:1/' }).sasl;
    await expect(tokenOf(away)).rejects.toMatchObject({ code: 'log.unavailable' });
  });

  it.each([
    ['kafka.tls-needed', { ...user, KAFKA_TLS: 'off' }],
    ['kafka.tls-conflict', { KAFKA_TLS: 'off', KAFKA_CA_FILE: 'any' }],
    ['kafka.password-missing', { KAFKA_USERNAME: 'relay' }],
    ['kafka.user-missing', { KAFKA_PASSWORD: SECRET }],
    ['kafka.user-missing', { KAFKA_SASL_MECHANISM: 'plain' }],
    ['kafka.token-url-missing', { ...user, KAFKA_SASL_MECHANISM: 'oauthbearer' }],
    ['kafka.mechanism-conflict', { ...user, KAFKA_OAUTH_TOKEN_URL: 'https://a.example/t' }],
    ['kafka.key-pair-incomplete', { KAFKA_CERT_FILE: 'any' }],
    ['kafka.key-pair-incomplete', { KAFKA_KEY_FILE: 'any' }],
    ['kafka.file-unreadable', { KAFKA_CA_FILE: '/nowhere/ca.pem' }],
    ['must be one of plain', { ...user, KAFKA_SASL_MECHANISM: 'gssapi' }],
    ['must be an http or https address', { ...user, KAFKA_OAUTH_TOKEN_URL: 'ftp://a' }],
  ])('are refused with %s: %j', (code, env) => {
    const problem = problemOf(env);
    expect(problem).toContain(code);
    expect(problem).not.toContain(SECRET);
  });

  it('are refused when a file holds something else', () => {
    expect(problemOf({ KAFKA_CA_FILE: at('not-pem') })).toContain('kafka.ca-unusable');
    expect(problemOf({ KAFKA_CERT_FILE: at('not-pem'), KAFKA_KEY_FILE: at('key') })).toContain(
      'kafka.cert-unusable',
    );
  });

  it('reach another process as they came', () => {
    const env = { KAFKA_BROKERS: 'a:1,b:2', KAFKA_TLS: 'on', ...user, KAFKA_SASL_MECHANISM: 'plain' };
    expect(kafkaEnvironment(loadConfig(kafkaSettings, env))).toEqual(env);
  });
});
