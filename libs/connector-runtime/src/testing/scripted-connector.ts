import {
  parseManifest,
  type ActOutcome,
  type Connector,
  type Ctx,
  type Located,
  type Outcome,
  type Snapshot,
  type SubjectRef,
  type Target,
  type VerifyOutcome,
} from '@sever/connector-sdk';
import type { Step } from '@sever/event-contracts';

export const scriptedManifest = parseManifest({
  system: 'scripted',
  title: 'Scripted target',
  owner: 'platform',
  attemptTimeoutMs: 500,
  steps: [
    { step: 'suspend', support: 'supported', stage: 'cut', reversibility: 'restorable' },
    { step: 'endSessions', support: 'supported', stage: 'cut' },
    { step: 'revokeCredentials', support: 'unsupported', stage: 'cut' },
    { step: 'stripEntitlements', support: 'supported', stage: 'cut', reversibility: 'restorable' },
    { step: 'delete', support: 'supported', stage: 'purge', reversibility: 'irreversible' },
  ],
});

type Account = { id: string; active: boolean; sessions: number; groups: string[] };

/** Answers instead of the target: one call `what` (`locate`, `suspend`, `verify:suspend`, …), `times` times. */
export type Fault = { what: string; times: number; answer: () => Promise<Outcome> };

/** A target in memory that remembers every call and answers as it is told. Its state is read directly, never through `verify`. */
export class ScriptedConnector implements Connector {
  readonly accounts = new Map<string, Account>();
  readonly calls: string[] = [];
  readonly faults: Fault[] = [];

  add(userName: string, groups: string[] = ['readers', 'writers']): Account {
    const account = { id: `id-${this.accounts.size + 1}`, active: true, sessions: 1, groups: [...groups] };
    this.accounts.set(userName, account);
    return account;
  }

  locate(ref: SubjectRef): Promise<Located | Outcome> {
    return this.answer('locate', () => {
      const account = this.accounts.get(ref.userName);
      if (!account) return { kind: 'NotFound', confirmed: true, keysTried: ['userName'], evidence: {} };
      return { kind: 'Located', target: { id: account.id, matchedBy: 'userName' }, evidence: {} };
    });
  }

  suspend(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.write('suspend', target, ctx, account => (account.active = false));
  }

  endSessions(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.write('endSessions', target, ctx, account => (account.sessions = 0));
  }

  stripEntitlements(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.write('stripEntitlements', target, ctx, account => (account.groups = []));
  }

  delete(target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.write('delete', target, ctx, account => {
      for (const [name, other] of this.accounts) if (other === account) this.accounts.delete(name);
    });
  }

  verify(step: Step, target: Target): Promise<VerifyOutcome> {
    return this.answer<VerifyOutcome>(`verify:${step}`, () => {
      const account = this.byId(target);
      const holds = {
        suspend: !account?.active,
        endSessions: !account?.sessions,
        revokeCredentials: false,
        stripEntitlements: !account?.groups.length,
        delete: !account,
      };
      return holds[step]
        ? { kind: 'Verified', evidence: {} }
        : { kind: 'StillPresent', code: 'access.alive', evidence: {} };
    });
  }

  snapshot(step: Step, target: Target): Promise<{ kind: 'Snapshot'; snapshot: Snapshot } | Outcome> {
    return this.answer<{ kind: 'Snapshot'; snapshot: Snapshot } | Outcome>(`snapshot:${step}`, () => {
      const account = this.byId(target);
      if (!account) return { kind: 'NotFound', confirmed: true, keysTried: ['id'], evidence: {} };
      const entries =
        step === 'suspend' ? [{ active: account.active }] : account.groups.map(group => ({ group }));
      return { kind: 'Snapshot', snapshot: { entries } };
    });
  }

  restore(step: Step, snapshot: Snapshot, target: Target, ctx: Ctx): Promise<ActOutcome> {
    return this.write(`restore:${step}`, target, ctx, account => {
      if (step === 'suspend') account.active = snapshot.entries[0]?.active === true;
      else account.groups = snapshot.entries.map(entry => String(entry.group));
    });
  }

  probe(): Promise<{ kind: 'Healthy' }> {
    return Promise.resolve({ kind: 'Healthy' });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private byId(target: Target): Account | undefined {
    return [...this.accounts.values()].find(account => account.id === target.id);
  }

  private async write(
    what: string,
    target: Target,
    ctx: Ctx,
    change: (account: Account) => void,
  ): Promise<ActOutcome> {
    return this.answer<ActOutcome>(what, async () => {
      await ctx.permit();
      const account = this.byId(target);
      if (!account) return { kind: 'NotFound', confirmed: true, keysTried: ['id'], evidence: {} };
      change(account);
      return { kind: 'Done', evidence: {} };
    });
  }

  private async answer<T>(what: string, normally: () => T | Promise<T>): Promise<T> {
    this.calls.push(what);
    const fault = this.faults.find(f => f.what === what && f.times > 0);
    if (!fault) return normally();
    fault.times -= 1;
    return (await fault.answer()) as T;
  }
}
