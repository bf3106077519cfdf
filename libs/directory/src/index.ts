export {
  addCompletion,
  doneCompletions,
  expireCompletions,
  forgetCompletions,
  type Completion,
  type NewCompletion,
} from './completions/completions.js';
export { addSigningKey, signingKeys, type SigningKey } from './completions/signing-keys.js';
export { DirectoryError, type DirectoryErrorCode } from './directory-error.js';
export { directoryMigrations } from './directory-migrations.js';
export {
  findGroup,
  findGroups,
  insertGroup,
  removeGroup,
  updateGroup,
  type StoredGroup,
} from './groups/group-store.js';
export {
  changeMembers,
  leaveAllGroups,
  membersOf,
  type MembersMoved,
  type MembershipChange,
  type StoredMember,
} from './groups/member-store.js';
export { groupStore, queryGroups } from './groups/query-groups.js';
export type { Connection } from './connections/connection.js';
export { listConnections, type ConnectionView } from './connections/connection-list.js';
export {
  addConnectionToken,
  connectionOfToken,
  endTokensAfter,
  noteTokenUse,
  type TokenOwner,
} from './connections/connection-tokens.js';
export {
  addConnection,
  createConnection,
  lockConnection,
  requireConnectionOf,
  unknownConnection,
} from './connections/connections.js';
export {
  ACCESS_TOKEN_SECONDS,
  addOAuthClient,
  findOAuthClient,
  issueAccessToken,
  rememberAssertion,
  revokeOAuthClient,
  type ClientKeys,
  type OAuthClient,
} from './connections/oauth-clients.js';
export {
  countRefusals,
  refusalsOf,
  type RefusalView,
  type RefusedRequests,
} from './connections/refused-requests.js';
export {
  activePeople,
  countActivePeople,
  isOptedOutByRetirement,
  retireConnection,
  type ActivePerson,
  type PeopleDecision,
  type Retirement,
} from './connections/retirement.js';
export {
  putTrustedIssuer,
  removeTrustedIssuer,
  trustedIssuer,
  type TrustedIssuer,
} from './connections/trusted-issuers.js';
export {
  REBIND_DECISIONS,
  askRebind,
  casesOf,
  decideRebind,
  rebindDecisionOn,
  settleRebind,
  type RebindCase,
  type RebindDecision,
  type RebindQuestion,
} from './rebind/rebind-cases.js';
export {
  REBIND_POLICIES,
  rebindPolicyOf,
  setRebindPolicy,
  type RebindPolicy,
} from './rebind/rebind-policy.js';
export { addApiToken, principalOfToken, replaceApiToken } from './registry/api-tokens.js';
export {
  addBindingWaiver,
  bindInstance,
  boundTargets,
  boundTargetsOf,
  findBinding,
  findInstance,
  keepBindingWaivers,
  putBinding,
  putInstance,
  type Binding,
  type BindingWaiver,
  type BoundTarget,
  type Instance,
  type Match,
} from './registry/instances.js';
export { SWITCH_CHANNEL, readKillSwitch, setKillSwitch, type KillSwitch } from './registry/kill-switch.js';
export { newToken, tokenHash } from './registry/secrets.js';
export type { ListQuery, Part, Window } from './resources/query-page.js';
export { queryResources, userStore } from './resources/query-resources.js';
export { queryTogether, type Mixed } from './resources/query-together.js';
export {
  changeResources,
  standingsOpenedBy,
  type ChangedResource,
  type ResourceChange,
} from './resources/change-resources.js';
export {
  insertNewcomers,
  subjectsOfInserted,
  tryLockUserNames,
  type InsertedResource,
} from './resources/insert-newcomers.js';
export { findResources, type ResourceKey } from './resources/find-resources.js';
export { cursorKey } from './resources/cursor-key.js';
export {
  findByExternalId,
  findByUserName,
  findResource,
  insertResource,
  releasedName,
  removeResource,
  updateOfVersion,
  updateOfVersionBeforeOptOut,
  updateResource,
  type NewResource,
  type StoredResource,
} from './resources/scim-resource-store.js';
export {
  createSubject,
  linkedSubject,
  lockUserName,
  renameSubject,
  subjectById,
  subjectByUserName,
  subjectsByExternalId,
  subjectsByUserName,
  type Subject,
} from './resources/subject-store.js';
export { ensureTenant, requireTenant, tenantExists } from './registry/tenants.js';
export {
  isOptedOut,
  lockStanding,
  lockStandingById,
  lockStandings,
  isOpenedTwice,
  openStanding,
  standingOpenedBy,
  otherLiveSubject,
  setAskers,
  setLegalHold,
  setPhase,
  setRehired,
  standsAgainst,
  withoutRetiredAskers,
  type NewStanding,
  type Standing,
  type StandingPhase,
} from './standing/standing-opt-out.js';
export { formerNameOf } from './resources/former-name.js';
export { knownName, type KnownName } from './resources/known-name.js';
export { isUuid } from './resources/uuid.js';
export { ANY_SOURCE, askerOf, sourceKey, sourceOf, type GovernedSource } from './governor/governed-source.js';
export {
  activePeopleOf,
  countsOfSources,
  sourcesOf,
  type ChosenLimits,
  type SourceCount,
  type SourceQuestion,
  type SourceView,
} from './governor/source-counts.js';
export { setGovernorLimits, type LimitChoice } from './governor/governor-limits.js';
export {
  approveStandings,
  countStaged,
  endStagedStandings,
  lockStaged,
  stagedOptOut,
  type StagedFilter,
  type StagedOptOut,
} from './governor/staged-opt-outs.js';
