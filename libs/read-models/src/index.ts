export { projectReadModels } from './batch-store.js';
export { connectorOverview, type ConnectorOverview } from './connector-overview.js';
export { foldBatch, instanceRowKey, type BatchState, type PlacedEvent } from './fold-batch.js';
export { GROUP_MOVES_FROM_AUDIT } from './group-move-migration.js';
export {
  groupMovesDuring,
  groupMovesOf,
  movesOf,
  type GroupMove,
  type Span,
  type SubjectMove,
} from './group-moves.js';
export { type PersonEvent } from './person-event.js';
export { findOptOut, listOptOuts, type OptOutFilter, type OptOutRecord } from './opt-out-records.js';
export { READ_MODEL_TABLES, readModelMigrations } from './read-model-migrations.js';
export { stateDigest } from './state-digest.js';
export { foldSubject, type SubjectState } from './subject-state.js';
