export {
  defineConnector,
  type Connector,
  type ConnectorDefinition,
  type Ctx,
  type Located,
  type MatchRule,
  type Snapshot,
  type SnapshotEntry,
  type SubjectRef,
  type Target,
} from './connector.js';
export {
  connectorManifestSchema,
  parseManifest,
  stepCapabilitySchema,
  type ConnectorManifest,
  type StepCapability,
} from './manifest.js';
export {
  isConnectorScope,
  type Accepted,
  type ActOutcome,
  type AlreadyDone,
  type AuthFailed,
  type Conflict,
  type Done,
  type Forbidden,
  type Malformed,
  type NotFound,
  type Outcome,
  type OutcomeEvidence,
  type Protected,
  type RateLimited,
  type StepOutcome,
  type StillPresent,
  type Transient,
  type Unsupported,
  type Verified,
  type VerifyOutcome,
} from './outcome.js';
export { PermitDenied } from './permit.js';
export { type Step } from '@sever/event-contracts';
export { parseReset, resetTime } from './http/retry-after.js';
export {
  createVendorHttp,
  failureOf,
  isReply,
  type CallFailure,
  type VendorHttpOptions,
  type VendorReply,
  type VendorRequest,
} from './http/vendor-http.js';
