import { createRequire } from 'node:module';
import { clientConfig, type ClientAccess } from './client.js';

/** What we touch of the client's private classes; its version is pinned. */
type Pool = { send(exchange: Exchange): Promise<MetadataAnswer> };
type Brokers = {
  seedBroker: { connectionPool: Pool };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
};
type MetadataAnswer = { brokers: { nodeId: number }[] };
type Exchange = {
  request: { apiKey: number; apiVersion: number; apiName: string; encode: () => Promise<unknown> };
  response: unknown;
};

const require = createRequire(import.meta.url);
const Encoder = require('kafkajs/src/protocol/encoder') as new () => { writeInt32(n: number): unknown };
const Cluster = require('kafkajs/src/cluster') as new (config: object) => { brokerPool: Brokers };
const createSocket = require('kafkajs/src/network/socketFactory') as () => unknown;
const response: unknown = require('kafkajs/src/protocol/requests/metadata/v1/response');

const SILENT = { info: quiet, error: quiet, warn: quiet, debug: quiet, namespace: () => SILENT };

/** Metadata request, version 1, of no topic: an empty list. Kafka protocol guide, Metadata API (key 3). */
const MEMBERS_ONLY: Exchange = {
  request: {
    apiKey: 3,
    apiVersion: 1,
    apiName: 'Metadata',
    encode: () => Promise.resolve(new Encoder().writeInt32(0)),
  },
  response,
};

/**
 * Asks one broker which brokers it knows as members, and about no topic. What the client itself offers for this always asks about
 * every topic and fails as soon as one of them has no leader, which says nothing about the membership.
 * @param alone how to reach this broker and no other
 * @throws Error when it does not answer, or refuses the credential
 */
export async function membersKnownTo(alone: ClientAccess): Promise<number[]> {
  const { brokerPool } = new Cluster({
    ...clientConfig(alone),
    logger: SILENT,
    socketFactory: createSocket(),
    enforceRequestTimeout: true,
  });
  try {
    await brokerPool.connect();
    const { brokers } = await brokerPool.seedBroker.connectionPool.send(MEMBERS_ONLY);
    return brokers.map(broker => broker.nodeId);
  } finally {
    await brokerPool.disconnect().catch(quiet);
  }
}

function quiet(): void {
  // Failures reach the caller; the client's words on the way do not matter.
}
