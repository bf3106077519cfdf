import { STEPS, type Step } from '@sever/event-contracts';
import type { Connector, Ctx, SubjectRef, Target } from '../connector.js';
import type { ActOutcome, Done, NotFound, Outcome, Verified } from '../outcome.js';
import type { CheckId } from './check-id.js';
import type { Alteration } from './contract-bench.js';

/** A way of breaking a connector that works, and the check that must notice. */
export type PlantedViolation = { name: string; caughtBy: CheckId; plant: () => Alteration };

type Act = (target: Target, ctx: Ctx) => Promise<ActOutcome>;

const GONE: NotFound = { kind: 'NotFound', confirmed: true, keysTried: ['userName'], evidence: {} };
const DONE: Done = { kind: 'Done', evidence: {} };
const VERIFIED: Verified = { kind: 'Verified', evidence: {} };

/** The same connector with some of its methods replaced. */
function variant(original: Connector, replaced: Partial<Connector>): Connector {
  return new Proxy(original, {
    get: (connector, name) => {
      const member: unknown = Reflect.get(name in replaced ? replaced : connector, name);
      return typeof member === 'function' && !(name in replaced)
        ? (member.bind(connector) as unknown)
        : member;
    },
  });
}

/** Replaces every action that the connector has. */
function actions(c: Connector, make: (act: Act, step: Step) => Act): Partial<Connector> {
  const replaced: Partial<Record<Step, Act>> = {};
  for (const step of STEPS) {
    const act = c[step]?.bind(c);
    if (act) replaced[step] = make(act, step);
  }
  return replaced;
}

const planted = (
  name: string,
  caughtBy: CheckId,
  change: (connector: Connector) => Partial<Connector>,
): PlantedViolation => ({ name, caughtBy, plant: () => connector => variant(connector, change(connector)) });

const isFailure = (outcome: { kind: string }): boolean =>
  ['Transient', 'RateLimited', 'AuthFailed', 'Forbidden', 'Malformed', 'Conflict'].includes(outcome.kind);

async function failureAs<T extends { kind: string }>(work: Promise<T>, instead: T): Promise<T> {
  const outcome = await work.catch(() => instead);
  return isFailure(outcome) ? instead : outcome;
}

/** Reads of a connector that takes every failure for absence. */
const failOpen = (c: Connector): Partial<Connector> => ({
  locate: (ref, ctx) =>
    failureAs<Outcome | Awaited<ReturnType<Connector['locate']>>>(c.locate(ref, ctx), GONE),
});

/** Remembers one connector for all instances, as a client in a module would. */
function cachedAcrossInstances(): Alteration {
  let first: Connector | undefined;
  return connector => (first ??= connector);
}

/** Everybody that was found so far loses what one person loses. */
function stripsTheCrowd(): Alteration {
  const crowd: Target[] = [];
  return c =>
    variant(c, {
      locate: async (ref, ctx) => {
        const found = await c.locate(ref, ctx);
        if (found.kind === 'Located') crowd.push(found.target);
        return found;
      },
      stripEntitlements: async (_target, ctx) => {
        for (const target of crowd) await c.stripEntitlements?.(target, ctx);
        return DONE;
      },
    });
}

/** Looks the person up by name before each action instead of using the id. */
function keysByName(): Alteration {
  const names = new Map<string, SubjectRef>();
  return c =>
    variant(c, {
      locate: async (ref, ctx) => {
        const found = await c.locate(ref, ctx);
        if (found.kind === 'Located') names.set(found.target.id, ref);
        return found;
      },
      ...actions(c, act => async (target, ctx) => {
        const ref = names.get(target.id);
        const found = ref ? await c.locate(ref, ctx) : GONE;
        return found.kind === 'Located' ? act(found.target, ctx) : GONE;
      }),
    });
}

/** Broken variants of any connector. The suite is worth something because each of them fails it. */
export const PLANTED_VIOLATIONS: readonly PlantedViolation[] = [
  planted('takes an error of locate for absence', 'C04', failOpen),
  planted('takes an error of locate for absence', 'C05', failOpen),
  planted('takes silence for absence', 'C06', failOpen),
  planted('takes a rejected credential for absence', 'C07', failOpen),
  planted('takes a reply it does not understand for absence', 'C08', failOpen),
  planted('takes a login page for absence', 'C09', failOpen),
  planted('takes an error of verify for a proof', 'C05', c => ({
    verify: (step, target, ctx) => failureAs(c.verify(step, target, ctx), VERIFIED),
  })),
  planted('verifies everything', 'C18', () => ({ verify: () => Promise.resolve(VERIFIED) })),
  planted('believes a success that changed nothing', 'C16', () => ({
    verify: () => Promise.resolve(VERIFIED),
  })),
  planted('does nothing and reports it done', 'C36', c => actions(c, () => () => Promise.resolve(DONE))),
  planted('does nothing and reports it done', 'C01', c => actions(c, () => () => Promise.resolve(DONE))),
  planted('reports a repeated step as done', 'C01', c =>
    actions(c, act => async (target, ctx) => {
      const outcome = await act(target, ctx);
      return outcome.kind === 'AlreadyDone' ? DONE : outcome;
    }),
  ),
  planted('takes a name it cannot find for a failure', 'C02', c => ({
    locate: async (ref, ctx) => {
      const found = await c.locate(ref, ctx);
      return found.kind === 'NotFound' ? { ...found, confirmed: false } : found;
    },
  })),
  planted('takes an account that is gone for an error', 'C03', c =>
    actions(c, act => async (target, ctx) => {
      const outcome = await act(target, ctx);
      return outcome.kind === 'NotFound'
        ? { kind: 'Transient', code: 'account.lost', effectUnknown: false, evidence: {} }
        : outcome;
    }),
  ),
  planted('takes a lost reply for success', 'C10', c =>
    actions(c, act => (target, ctx) => failureAs(act(target, ctx), DONE)),
  ),
  planted('waits a minute at most for a quota', 'C11', c => ({
    locate: async (ref, ctx) => {
      const found = await c.locate(ref, ctx);
      if (found.kind !== 'RateLimited') return found;
      return { ...found, until: new Date(Math.min(found.until.getTime(), Date.now() + 60_000)) };
    },
  })),
  planted('takes a quota sent as 403 for a refusal', 'C12', c => ({
    locate: async (ref, ctx) => {
      const found = await c.locate(ref, ctx);
      return found.kind === 'RateLimited'
        ? { kind: 'Forbidden', code: 'vendor.forbidden', help: 'none', evidence: {} }
        : found;
    },
  })),
  planted('ignores refused writes', 'C13', c =>
    actions(c, act => (target, ctx) => failureAs(act(target, ctx), DONE)),
  ),
  planted('swallows the failure of one part', 'C14', c =>
    actions(c, act => (target, ctx) => failureAs(act(target, ctx), DONE)),
  ),
  planted('cuts again while it verifies, to be sure', 'C19', c => ({
    verify: async (step, target, ctx) => {
      await c[step]?.(target, ctx);
      return c.verify(step, target, ctx);
    },
  })),
  planted('claims to restore and keeps no snapshot', 'C20', () => ({
    snapshot: () => Promise.resolve({ kind: 'Snapshot', snapshot: { entries: [] } }),
  })),
  planted('stops at the first page', 'C21', c => ({
    snapshot: async (step, target, ctx) => {
      const taken = await (c.snapshot?.(step, target, ctx) ?? GONE);
      return taken.kind === 'Snapshot'
        ? { kind: 'Snapshot', snapshot: { entries: taken.snapshot.entries.slice(0, 2) } }
        : taken;
    },
  })),
  planted('makes a snapshot of a read that failed', 'C21', c => ({
    snapshot: (step, target, ctx) =>
      failureAs<Awaited<ReturnType<NonNullable<Connector['snapshot']>>>>(
        c.snapshot?.(step, target, ctx) ?? Promise.resolve(GONE),
        { kind: 'Snapshot', snapshot: { entries: [] } },
      ),
  })),
  planted('ignores its signal', 'C22', c =>
    actions(c, act => (target, ctx) => act(target, { ...ctx, signal: AbortSignal.timeout(3_600_000) })),
  ),
  planted('repeats what it was sent in its evidence', 'C23', c => ({
    locate: async (ref, ctx) => {
      const found = await c.locate(ref, ctx);
      return { ...found, evidence: { asked: ref.userName } };
    },
  })),
  { name: 'keeps one client for all instances', caughtBy: 'C25', plant: cachedAcrossInstances },
  planted('does not look at the protected flag', 'C26', c => ({
    locate: async (ref, ctx) => {
      const found = await c.locate(ref, ctx);
      return found.kind === 'Located'
        ? { ...found, target: { id: found.target.id, matchedBy: found.target.matchedBy } }
        : found;
    },
  })),
  planted('reports a refusal to cut a protected account as done', 'C26', c =>
    actions(c, act => async (target, ctx) => {
      const outcome = await act(target, ctx);
      return outcome.kind === 'Protected' ? DONE : outcome;
    }),
  ),
  planted('takes the first of many', 'C29', c => ({
    locate: async (ref, ctx) => {
      const found = await c.locate(ref, ctx);
      return found.kind === 'NotFound'
        ? { kind: 'Located', target: { id: 'somebody', matchedBy: 'userName' }, evidence: {} }
        : found;
    },
  })),
  { name: 'keys by name', caughtBy: 'C30', plant: keysByName },
  { name: 'strips more people than one', caughtBy: 'C31', plant: stripsTheCrowd },
  planted('reports a second delete as done', 'C33', c =>
    actions(c, act => async (target, ctx) => {
      const outcome = await act(target, ctx);
      return outcome.kind === 'NotFound' ? DONE : outcome;
    }),
  ),
  planted('writes without asking for a permit', 'C35', c =>
    actions(c, act => (target, ctx) => act(target, { ...ctx, permit: () => Promise.resolve() })),
  ),
];
