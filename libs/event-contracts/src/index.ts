export { asyncApiDocument, eventJsonSchema } from './asyncapi.js';
export { canonicalJson } from './canonical-json.js';
export { ContractError, type ContractErrorCode } from './contract-error.js';
export { FIELD_PATHS, encryptedFieldSchema, type EncryptedField } from './encrypted-field.js';
export {
  EVENTS,
  OUTCOME_EVENTS,
  REQUEST_EVENTS,
  isEventType,
  topicOf,
  type EventData,
  type EventType,
  type OutcomeEventType,
  type RequestEventType,
  type SeverEvent,
} from './event-catalogue.js';
export {
  EVENT_BYTES_MAX,
  decodeEvent,
  encodeEvent,
  makeEvent,
  parseEnvelope,
  type NewEvent,
} from './event-codec.js';
export { envelopeSchema, type EventEnvelope } from './event-envelope.js';
export { decisionId, nameBasedId, newEventId, outcomeId } from './event-ids.js';
export { OUTCOME_EVENT_TYPE, OUTCOME_KINDS, type OutcomeKind } from './outcome-kinds.js';
export { NAMED_SUBJECTS_MAX, type MovedMembers } from './events/group-events.js';
export { instanceOf } from './instance-of.js';
export { recordHeaders } from './record-headers.js';
export { readLoggedEvent } from './trusted-event.js';
export { upcast, type Upcaster } from './upcasters.js';
export {
  askerSchema,
  type Asker,
  type BoundInstance,
  type Door,
  type Guard,
  type HoldPolicy,
  type PlannedStep,
  type Waiver,
} from './events/request-data.js';
export { type Disposition, type Evidence } from './events/outcome-events.js';
export {
  CUT_STEPS,
  PURGE_STEPS,
  STEPS,
  TOPICS,
  actorSchema,
  instantSchema,
  stageSchema,
  stepSchema,
  subjectKey,
  targetSchema,
  type Actor,
  type Stage,
  type Step,
  type Target,
  type Topic,
} from './words.js';
