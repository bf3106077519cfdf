export { connectorSettings } from './connector-settings.js';
export { runConnector } from './run-connector.js';
export { connectorRuntimeMigrations } from './store/connector-runtime-migrations.js';
