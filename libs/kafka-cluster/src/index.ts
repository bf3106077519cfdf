export { type ClusterNode } from './cluster-node.js';
export { KAFKA_VERSION, jarFolder } from './cluster-settings.js';
export { KafkaClusterError, type KafkaClusterErrorCode } from './kafka-cluster-error.js';
export { startKafkaCluster, type KafkaCluster, type KafkaClusterOptions } from './kafka-cluster.js';
export { type BrokerExit } from './node/broker-process.js';
export { type ClusterSecurity, type SecurityOptions } from './security/cluster-security.js';
export { type Credential } from './security/credentials.js';
export { pipelineUsers, type KafkaUser } from './security/pipeline-users.js';
