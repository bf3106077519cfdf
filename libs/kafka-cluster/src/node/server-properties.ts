import path from 'node:path';
import type { Stores } from '../security/certificates.js';
import type { Layout, NodeLayout } from './layout.js';

/** The one name that brokers present to each other, and users of the client port never have. */
export const BROKER_NAME = 'sever-broker';
/** The user that may do everything. */
export const ADMIN = 'admin';
/** Partitions of the topic that holds the groups' positions; small, so that a start loads few. */
export const OFFSETS_PARTITIONS = 6;

/** Settings of one combined broker and controller. With `stores` clients use TLS and SCRAM, and nodes mutual TLS. */
export function serverProperties(
  layout: Layout,
  node: NodeLayout,
  dataFolder: string,
  stores: Stores | undefined,
  settings: Readonly<Record<string, string>> = {},
): string {
  const listeners = [`CLIENT://127.0.0.1:${node.port}`, `INTERNAL://127.0.0.1:${node.internalPort}`].join(
    ',',
  );
  return lines({
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': layout.nodes.map(n => `${n.id}@127.0.0.1:${n.controllerPort}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    listeners: `${listeners},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': stores
      ? 'CLIENT:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL'
      : 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': path.join(dataFolder, 'data'),
    ...replication(layout.nodes.length),
    ...SMALL,
    ...(stores && secured(stores)),
    ...settings,
  });
}

/** The log is kept for ever, as its producer wrote it, and a topic exists only when somebody made it. */
const SMALL = {
  'auto.create.topics.enable': false,
  'log.retention.ms': -1,
  'log.message.timestamp.type': 'CreateTime',
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': OFFSETS_PARTITIONS,
  'transaction.state.log.num.partitions': OFFSETS_PARTITIONS,
  'num.network.threads': 2,
  'num.io.threads': 4,
  // A killed broker may come back only when its old registration has run out.
  'broker.session.timeout.ms': 4_000,
  'broker.heartbeat.interval.ms': 1_000,
  'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
};

/** Three copies, two of them before an acknowledgement, and never a leader that lacks acknowledged records. */
function replication(brokers: number): Record<string, string | number | boolean> {
  const copies = brokers >= 3 ? 3 : 1;
  const inSync = brokers >= 3 ? 2 : 1;
  return {
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    'unclean.leader.election.enable': false,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
  };
}

const secured = (stores: Stores): Record<string, string | boolean> => ({
  'ssl.keystore.type': 'PKCS12',
  'ssl.keystore.location': stores.keyStore,
  'ssl.keystore.password': stores.password,
  'ssl.truststore.type': 'PKCS12',
  'ssl.truststore.location': stores.trustStore,
  'ssl.truststore.password': stores.password,
  'listener.name.internal.ssl.client.auth': 'required',
  'listener.name.controller.ssl.client.auth': 'required',
  'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
  'listener.name.client.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': `User:CN=${BROKER_NAME};User:${ADMIN}`,
  'allow.everyone.if.no.acl.found': false,
});

const lines = (properties: Readonly<Record<string, string | number | boolean>>): string =>
  Object.entries(properties)
    .map(([name, value]) => `${name}=${String(value)}\n`)
    .join('');
