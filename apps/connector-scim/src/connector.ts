import {
  defineConnector,
  type ActOutcome,
  type Connector,
  type Ctx,
  type Located,
  type Outcome,
  type Snapshot,
  type Step,
  type SubjectRef,
  type Target,
  type VerifyOutcome,
} from '@sever/connector-sdk';
import { AccountFinder, sameName } from './account-finder.js';
import { ScimClient, userPath, type WriteAnswer } from './client.js';
import { scimSettingsSchema, type ScimSettings } from './config.js';
import { joinGroup, leaveGroup } from './group-writes.js';
import { manifest } from './manifest.js';
import { membershipsOf } from './memberships.js';
import { absent, accountGone } from './outcomes.js';
import { USER_SCHEMA, type ScimUser } from './resources.js';
import { patchOrPut } from './patch-or-put.js';
import { scopeOf } from './scope.js';

/** Any SCIM 2.0 service as a target. */
export const scim = defineConnector<ScimSettings>({
  manifest,
  parseSettings: settings => scimSettingsSchema.parse(settings),
  connect: ({ settings, secret }) => new ScimConnector(settings, new ScimClient(settings, secret)),
});

const PROTECTED_RULE = 'settings.protected';

class ScimConnector implements Connector {
  private readonly finder: AccountFinder;

  constructor(
    private readonly settings: ScimSettings,
    private readonly client: ScimClient,
  ) {
    this.finder = new AccountFinder(client);
  }

  async locate(ref: SubjectRef, ctx: Ctx): Promise<Located | Outcome> {
    const { by, scope } = ctx.match;
    const wanted = by === 'userName' ? ref.userName : ref.externalId;
    if (wanted === undefined)
      return {
        kind: 'Conflict',
        code: 'match.identifier-missing',
        help: 'the person has no external id; match this instance by userName, or have the identity provider send it',
        evidence: {},
      };
    const answer = await this.finder.matches(by, wanted, ctx);
    if (answer.kind !== 'Matches') return answer;
    if (answer.users.some(user => scopeOf(user, scope) === 'unknown'))
      return {
        kind: 'Conflict',
        code: 'match.scope-unknown',
        help: 'an account of this name lacks the attribute that the scope asks for: set it, or correct the scope',
        evidence: {},
      };
    const found = answer.users.filter(user => scopeOf(user, scope) === 'inside');
    const [user] = found;
    if (!user) return absent(by);
    if (found.length > 1)
      return {
        kind: 'Conflict',
        code: 'account.ambiguous',
        help: 'several accounts match; make the match rule unique',
        evidence: { matches: found.length },
      };
    const target: Target = {
      id: user.id,
      matchedBy: by,
      version: user.meta?.version,
      ...(this.isProtected(user) && { protectedBy: PROTECTED_RULE }),
    };
    return { kind: 'Located', target, evidence: {} };
  }

  suspend(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onUser(target, ctx, user => this.setActive(user, false, ctx));
  }

  stripEntitlements(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onUser(target, ctx, async user => {
      const memberships = await membershipsOf(this.client, user, ctx);
      if (memberships.kind !== 'Memberships') return memberships;
      if (memberships.groups.length === 0) return { kind: 'AlreadyDone', evidence: {} };
      return this.changeGroups(memberships.groups, group => leaveGroup(this.client, group, user.id, ctx));
    });
  }

  delete(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.onUser(target, ctx, async () => {
      const answer = await this.client.remove(target.id, ctx);
      if (answer.kind === 'Absent') return absent('id');
      return answer.kind === 'Ok' ? { kind: 'Done', evidence: { status: answer.status } } : answer;
    });
  }

  async verify(step: Step, target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    if (step === 'endSessions' || step === 'revokeCredentials')
      return { kind: 'Unsupported', code: 'manifest.unsupported', evidence: {} };
    const now = await this.client.readUser(target.id, ctx);
    if (now.kind === 'Absent') return step === 'delete' ? { kind: 'Verified', evidence: {} } : absent('id');
    if (now.kind !== 'User') return now;
    switch (step) {
      case 'suspend':
        return now.user.active === false
          ? { kind: 'Verified', evidence: {} }
          : { kind: 'StillPresent', code: 'account.active', evidence: {} };
      case 'stripEntitlements':
        return this.verifyStripped(now.user, ctx);
      case 'delete':
        return { kind: 'StillPresent', code: 'account.exists', evidence: {} };
    }
  }

  async snapshot(
    step: Step,
    target: Target,
    ctx: Ctx,
  ): Promise<{ kind: 'Snapshot'; snapshot: Snapshot } | Outcome> {
    const before = await this.client.readUser(target.id, ctx);
    if (before.kind === 'Absent') return absent('id');
    if (before.kind !== 'User') return before;
    if (step !== 'stripEntitlements')
      return { kind: 'Snapshot', snapshot: { entries: [{ active: before.user.active ?? true }] } };
    const memberships = await membershipsOf(this.client, before.user, ctx);
    if (memberships.kind !== 'Memberships') return memberships;
    return { kind: 'Snapshot', snapshot: { entries: memberships.groups.map(group => ({ group })) } };
  }

  async restore(step: Step, snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    const answer = await this.onUser(target, ctx, user =>
      step === 'stripEntitlements'
        ? this.restoreMemberships(snapshot, user, ctx)
        : this.setActive(user, snapshot.entries[0]?.active === true, ctx),
    );
    return answer.kind === 'NotFound' ? accountGone : answer;
  }

  async probe(ctx: Pick<Ctx, 'signal'>): Promise<Outcome | { kind: 'Healthy' }> {
    const answer = await this.client.users('userName eq "sever-probe"', 1, {
      ...ctx,
      traceparent: undefined,
      permit: () => Promise.resolve(),
    });
    return answer.kind === 'Page' ? { kind: 'Healthy' } : answer;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private isProtected(user: ScimUser): boolean {
    return this.settings.protectedUserNames.some(name => sameName(name, user.userName));
  }

  /** Acts on the user as it stands now; one that became protected after it was adopted is refused. */
  private async onUser(
    target: Target,
    ctx: Ctx,
    work: (user: ScimUser) => Promise<ActOutcome>,
  ): Promise<ActOutcome> {
    const now = await this.client.readUser(target.id, ctx);
    if (now.kind === 'Absent') return absent('id');
    if (now.kind !== 'User') return now;
    if (this.isProtected(now.user)) return { kind: 'Protected', rule: PROTECTED_RULE, evidence: {} };
    return work(now.user);
  }

  private async setActive(user: ScimUser, active: boolean, ctx: Ctx): Promise<ActOutcome> {
    if (user.active === active) return { kind: 'AlreadyDone', evidence: {} };
    const path = userPath(user.id);
    const answer = await patchOrPut(
      this.client,
      () => this.client.patch(path, [{ op: 'replace', path: 'active', value: active }], ctx),
      () => this.client.put(path, { ...user, active }, USER_SCHEMA, ctx),
      ctx,
    );
    if (answer.kind === 'Absent') return absent('id');
    return answer.kind === 'Ok' ? { kind: 'Done', evidence: { status: answer.status } } : answer;
  }

  private async restoreMemberships(snapshot: Snapshot, user: ScimUser, ctx: Ctx): Promise<ActOutcome> {
    const now = await membershipsOf(this.client, user, ctx);
    if (now.kind !== 'Memberships') return now;
    const missing = snapshot.entries.map(e => String(e.group)).filter(id => !now.groups.includes(id));
    if (missing.length === 0) return { kind: 'AlreadyDone', evidence: {} };
    return this.changeGroups(missing, group => joinGroup(this.client, group, user.id, ctx));
  }

  /**
   * Changes group after group. What concerns one group (a refusal, an answer that is not understood) does not keep the others
   * from being changed, and is the answer in the end; what concerns the whole service ends it at once. A group that is gone
   * needs no change.
   */
  private async changeGroups(
    groups: readonly string[],
    one: (group: string) => Promise<WriteAnswer>,
  ): Promise<ActOutcome> {
    let refused: ActOutcome | undefined;
    for (const group of groups) {
      const answer = await one(group);
      if (answer.kind === 'Ok' || answer.kind === 'Absent') continue;
      if (answer.kind !== 'Forbidden' && answer.kind !== 'Malformed') return answer;
      refused ??= answer;
    }
    return refused ?? { kind: 'Done', evidence: { groups: groups.length } };
  }

  private async verifyStripped(user: ScimUser, ctx: Ctx): Promise<VerifyOutcome> {
    const now = await membershipsOf(this.client, user, ctx);
    if (now.kind !== 'Memberships') return now;
    return now.groups.length === 0
      ? { kind: 'Verified', evidence: {} }
      : { kind: 'StillPresent', code: 'memberships.left', evidence: { groups: now.groups.length } };
  }
}
