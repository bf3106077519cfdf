import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, type Server } from 'node:tls';
import { createKafkaRelayTarget, type KafkaConnection } from '@sever/event-log-kafka';
import { makeBrokerCertificates } from '../../apps/sever/src/setup/kafka-certificates.js';

jest.setTimeout(60_000);

/** The encrypted part of a connection, against a server that wants to know who comes and then hangs up. */
describe('mutual TLS with brokers', () => {
  let folder: string;
  let server: Server;
  let came: string[] = [];
  const at = (name: string): string => path.join(folder, name);
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sever-mutual-tls-'));
    const [broker, client] = [
      await makeBrokerCertificates('broker', ['localhost']),
      await makeBrokerCertificates('client-of-the-spec', ['localhost']),
    ];
    writeFileSync(at('ca.pem'), broker.ca);
    writeFileSync(at('client.pem'), client.broker);
    writeFileSync(at('broker.pem'), broker.broker);
    const options = { key: broker.broker, cert: broker.broker, ca: client.ca, requestCert: true };
    server = createServer({ ...options, rejectUnauthorized: true }, socket => {
      came.push(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise(resolve => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  /** The error with which a first question ends. */
  async function ask(over: Partial<KafkaConnection>): Promise<unknown> {
    came = [];
    const { port } = server.address() as AddressInfo;
    const target = createKafkaRelayTarget({ kafkaBrokers: [`localhost:${port}`], ...over });
    const failure = await target.identity().catch((error: unknown) => error);
    await target.close();
    return failure;
  }
  const files = () => ({
    ...{ kafkaCaFile: at('ca.pem'), kafkaCertFile: at('client.pem'), kafkaKeyFile: at('client.pem') },
  });

  it('presents the certificate of the settings', async () => {
    expect(await ask(files())).toMatchObject({ code: 'log.unavailable' });
    expect(new Set(came)).toEqual(new Set(['client-of-the-spec']));
  });

  it('says that a certificate is wanted when there is none', async () => {
    expect(await ask({ kafkaCaFile: at('ca.pem') })).toMatchObject({ code: 'log.unauthenticated' });
    expect(came).toEqual([]);
  });

  it('says that the brokers are not trusted when another authority signed them', async () => {
    expect(await ask({ kafkaTls: true })).toMatchObject({ code: 'log.untrusted' });
    expect(came).toEqual([]);
  });

  it('refuses a key that belongs to another certificate', async () => {
    await expect((async () => ask({ ...files(), kafkaKeyFile: at('broker.pem') }))()).rejects.toThrow(
      'kafka.key-pair-mismatch',
    );
  });
});
