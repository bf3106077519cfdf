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
import { ScimClient } from './client.js';
import { scimSettingsSchema, type ScimSettings } from './config.js';
import { manifest } from './manifest.js';
import { membershipsOf } from './memberships.js';
import { absent } from './outcomes.js';

/** Any SCIM 2.0 service as a target. */
export const scim = defineConnector<ScimSettings>({
  manifest,
  parseSettings: settings => scimSettingsSchema.parse(settings),
  connect: ({ settings, secret }) => new ScimConnector(settings, new ScimClient(settings, secret)),
});

const lower = (text: string): string => text.normalize('NFC').toLowerCase();
const userPath = (id: string): string => `/Users/${encodeURIComponent(id)}`;

class ScimConnector implements Connector {
  constructor(
    private readonly settings: ScimSettings,
    private readonly client: ScimClient,
  ) {}

  async locate(ref: SubjectRef, ctx: Ctx): Promise<Located | Outcome> {
    const { by } = ctx.match;
    const wanted = by === 'userName' ? ref.userName : ref.externalId;
    if (wanted === undefined) return { kind: 'NotFound', confirmed: false, keysTried: [], evidence: {} };
    const answer = await this.client.findUsers(`${by} eq ${JSON.stringify(wanted)}`, ctx);
    if (answer.kind !== 'Page') return answer;
    // The server's idea of equality is not ours: compare again.
    const found = answer.items.filter(user =>
      by === 'userName' ? lower(user.userName) === lower(wanted) : user.externalId === wanted,
    );
    const [user] = found;
    if (!user)
      return answer.total > answer.items.length
        ? { kind: 'Malformed', code: 'list.truncated', evidence: {} }
        : absent(by);
    if (found.length > 1)
      return {
        kind: 'Conflict',
        code: 'account.ambiguous',
        help: 'several accounts match; make the match rule unique',
        evidence: { matches: found.length },
      };
    const isProtected = this.settings.protectedUserNames.some(name => lower(name) === lower(user.userName));
    const target: Target = {
      id: user.id,
      matchedBy: by,
      version: user.meta?.version,
      ...(isProtected && { protectedBy: 'settings.protected' }),
    };
    return { kind: 'Located', target, evidence: {} };
  }

  async suspend(target: Target, ctx: Ctx): Promise<ActOutcome> {
    const before = await this.client.readUser(target.id, ctx);
    if (before.kind === 'Absent') return absent('id');
    if (before.kind !== 'User') return before;
    if (before.user.active === false) return { kind: 'AlreadyDone', evidence: {} };
    return this.setActive(target, false, before.raw, ctx);
  }

  async stripEntitlements(target: Target, ctx: Ctx): Promise<ActOutcome> {
    const memberships = await membershipsOf(this.client, target.id, ctx);
    if (memberships.kind !== 'Memberships') return memberships;
    if (memberships.groups.length === 0) return { kind: 'AlreadyDone', evidence: {} };
    for (const group of memberships.groups) {
      const path = `/Groups/${encodeURIComponent(group.id)}`;
      const answer = await this.client.patch(
        path,
        [{ op: 'remove', path: `members[value eq ${JSON.stringify(target.id)}]` }],
        ctx,
      );
      if (answer.kind !== 'Ok' && answer.kind !== 'Absent') return answer;
    }
    return { kind: 'Done', evidence: { groups: memberships.groups.length } };
  }

  async delete(target: Target, ctx: Ctx): Promise<ActOutcome> {
    const before = await this.client.readUser(target.id, ctx);
    if (before.kind === 'Absent') return absent('id');
    if (before.kind !== 'User') return before;
    const answer = await this.client.remove(target.id, ctx);
    if (answer.kind === 'Absent') return absent('id');
    return answer.kind === 'Ok' ? { kind: 'Done', evidence: { status: answer.status } } : answer;
  }

  async verify(step: Step, target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    switch (step) {
      case 'suspend':
        return this.verifySuspended(target, ctx);
      case 'stripEntitlements':
        return this.verifyStripped(target, ctx);
      case 'delete':
        return this.verifyDeleted(target, ctx);
      default:
        return { kind: 'Unsupported', code: 'manifest.unsupported', evidence: {} };
    }
  }

  async snapshot(
    step: Step,
    target: Target,
    ctx: Ctx,
  ): Promise<{ kind: 'Snapshot'; snapshot: Snapshot } | Outcome> {
    if (step === 'stripEntitlements') {
      const memberships = await membershipsOf(this.client, target.id, ctx);
      if (memberships.kind !== 'Memberships') return memberships;
      return {
        kind: 'Snapshot',
        snapshot: { entries: memberships.groups.map(g => ({ group: g.id, display: g.displayName ?? null })) },
      };
    }
    const before = await this.client.readUser(target.id, ctx);
    if (before.kind === 'Absent') return absent('id');
    if (before.kind !== 'User') return before;
    return { kind: 'Snapshot', snapshot: { entries: [{ active: before.user.active ?? true }] } };
  }

  async restore(step: Step, snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    if (step === 'stripEntitlements') return this.restoreMemberships(snapshot, target, ctx);
    const wasActive = snapshot.entries[0]?.active === true;
    const before = await this.client.readUser(target.id, ctx);
    if (before.kind === 'Absent')
      return {
        kind: 'Conflict',
        code: 'account.gone',
        help: 'the account was deleted meanwhile; make a new one',
        evidence: {},
      };
    if (before.kind !== 'User') return before;
    if (before.user.active === wasActive) return { kind: 'AlreadyDone', evidence: {} };
    return this.setActive(target, wasActive, before.raw, ctx);
  }

  async probe(ctx: Pick<Ctx, 'signal'>): Promise<Outcome | { kind: 'Healthy' }> {
    const answer = await this.client.findUsers('userName eq "sever-probe"', {
      ...ctx,
      traceparent: undefined,
      permit: () => Promise.resolve(),
    });
    return answer.kind === 'Page' ? { kind: 'Healthy' } : answer;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async setActive(
    target: Target,
    active: boolean,
    raw: Record<string, unknown>,
    ctx: Ctx,
  ): Promise<ActOutcome> {
    const config = await this.client.supportsPatch(ctx);
    if (config.kind !== 'Config') return config;
    const answer = config.patch
      ? await this.client.patch(userPath(target.id), [{ op: 'replace', path: 'active', value: active }], ctx)
      : await this.client.put(userPath(target.id), { ...raw, active }, ctx);
    if (answer.kind === 'Absent') return absent('id');
    return answer.kind === 'Ok' ? { kind: 'Done', evidence: { status: answer.status } } : answer;
  }

  private async restoreMemberships(snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    const now = await membershipsOf(this.client, target.id, ctx);
    if (now.kind !== 'Memberships') return now;
    const missing = snapshot.entries
      .map(e => String(e.group))
      .filter(id => !now.groups.some(g => g.id === id));
    for (const id of missing) {
      const answer = await this.client.patch(
        `/Groups/${encodeURIComponent(id)}`,
        [{ op: 'add', path: 'members', value: [{ value: target.id }] }],
        ctx,
      );
      // A group that is gone cannot be joined again.
      if (answer.kind !== 'Ok' && answer.kind !== 'Absent') return answer;
    }
    return missing.length === 0
      ? { kind: 'AlreadyDone', evidence: {} }
      : { kind: 'Done', evidence: { groups: missing.length } };
  }

  private async verifySuspended(target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    const now = await this.client.readUser(target.id, ctx);
    if (now.kind === 'Absent') return absent('id');
    if (now.kind !== 'User') return now;
    return now.user.active === false
      ? { kind: 'Verified', evidence: {} }
      : { kind: 'StillPresent', code: 'account.active', evidence: {} };
  }

  private async verifyStripped(target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    const now = await membershipsOf(this.client, target.id, ctx);
    if (now.kind !== 'Memberships') return now;
    return now.groups.length === 0
      ? { kind: 'Verified', evidence: {} }
      : { kind: 'StillPresent', code: 'memberships.left', evidence: { groups: now.groups.length } };
  }

  private async verifyDeleted(target: Target, ctx: Ctx): Promise<VerifyOutcome> {
    const now = await this.client.readUser(target.id, ctx);
    if (now.kind === 'Absent') return { kind: 'Verified', evidence: {} };
    return now.kind === 'User' ? { kind: 'StillPresent', code: 'account.exists', evidence: {} } : now;
  }
}
