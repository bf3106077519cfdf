export { projectReadModels } from './batch-store.js';
export { connectorOverview, type ConnectorOverview } from './connector-overview.js';
export { foldBatch, instanceRowKey, type BatchState, type PlacedEvent } from './fold-batch.js';
export { findOptOut, listOptOuts, type OptOutFilter, type OptOutRecord } from './opt-out-records.js';
export { READ_MODEL_TABLES, readModelMigrations } from './read-model-migrations.js';
export { stateDigest } from './state-digest.js';
export { foldSubject, type SubjectState } from './subject-state.js';
