export { KafkaLog, TOPICS, plainConnection } from './kafka-log.js';
export { proxiedConnection, type ProxiedConnection } from './proxied-connection.js';
export { BrokerProxies } from './broker-proxies.js';
