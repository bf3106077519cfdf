export { relayBacklog, type RelayBacklog } from './relay-backlog.js';
export { relayMigrations } from './relay-migrations.js';
export { RelayRunner, type RelayRunnerOptions } from './relay-runner.js';
export { type RelayStore } from './relay-store.js';
export { BATCH_RECORDS, Relay, type OnRewind, type Step } from './relay.js';
export { PostgresRelayStore, type PostgresRelayStoreOptions } from './postgres-relay-store.js';
