import { setTimeout as sleep } from 'node:timers/promises';
import type { Pipeline } from '../../../harness/pipeline.js';
import { sever } from '../../../harness/sever-command.js';
import type { Operation } from '../operation.js';
import { Random } from '../simulation/random.js';
import { AskedRequests } from './asked-requests.js';
import { allOptOuts, comeToRest } from './at-rest.js';
import { accountOperations, effectOperations, workOperations } from './collect-effects.js';
import { readAudit, readLog } from './collect-log.js';
import { requestOperations } from './collect-requests.js';
import { IdentityProvider } from './identity-provider.js';
import { Nemesis } from './nemesis.js';
import { makeAccounts } from './people.js';
import { PositionWatch } from './position-watch.js';
import type { Profile } from './profile.js';
import { ObservingReader, churn } from './readers.js';
import { Recorder } from './recorder.js';
import { RestCaller } from './rest-caller.js';
import { Turns } from './turns.js';

export type WorkloadOptions = {
  pipeline: Pipeline;
  profile: Profile;
  seed: number;
  people: number;
  /** How long is written and broken, in milliseconds. */
  durationMs: number;
  /** How long it may take afterwards until nothing moves, in milliseconds. */
  restMs: number;
  isDisturbed: boolean;
  /** Whether people are opted out anew while an earlier opt-out of theirs is being given back. */
  mayOverlap: boolean;
};

/** What was done and seen. */
export type Observed = {
  operations: Operation[];
  /** What was seen while things moved. */
  seenMeanwhile: Operation[];
  /** Looks up once more what can be looked up at rest. */
  lookAgain: () => Promise<Operation[]>;
  scimIds: ReadonlyMap<string, string>;
  asked: AskedRequests;
  optOuts: number;
  /** What still moved when the time for coming to rest was over. */
  unrest: string | undefined;
  nemesis: Nemesis;
  rebalances: number;
};

const TENANT = 'acme';
const CONNECTIONS = ['entra', 'okta', 'strict', 'lenient'];
const TAIL = 'tail';
const GROUP = 'history-group';
/** Readers inside the pipeline of which only the traces are seen. */
const INSIDE = ['projector', 'connector-scim', 'connector-postgres'];
const PAUSE_MS = { least: 800, more: 4_000 };

/** Writes through all doors at once while processes are killed and stalled, waits for rest, and collects the history. */
export async function runWorkload(o: WorkloadOptions): Promise<Observed> {
  const { pipeline, profile } = o;
  const random = new Random(o.seed);
  const recorder = new Recorder();
  const asked = new AskedRequests();
  const userNames = Array.from({ length: o.people }, (_, i) => `history.${i}@acme.example`);
  const scimIds = await makeAccounts(pipeline, userNames);
  declareReaders(recorder);
  const watch = new PositionWatch(profile, pipeline, recorder);
  const join = (reader: string, member: string, isInGroup: boolean): Promise<ObservingReader> =>
    ObservingReader.start({ profile, pipeline, recorder, reader, member, isInGroup });
  const readers = [await join(TAIL, 'tail', false), await join(GROUP, 'host', true)];
  watch.start();
  try {
    const until = Date.now() + o.durationMs;
    const nemesis = new Nemesis(pipeline, new Random(random.int(2 ** 31)));
    const actors = userNames.flatMap((name, i) => actorsOf(o, asked, { name, i, untilMs: until }, random));
    const [rebalances] = await Promise.all([
      churn(member => join(GROUP, member, true), new Random(random.int(2 ** 31)), until),
      o.isDisturbed ? nemesis.run(until) : undefined,
      ...actors.map(actor => actor()),
    ]);
    const unrest = await comeToRest(pipeline, profile, TENANT, o.restMs).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    await watch.stop();
    const look = (): Promise<Operation[]> => collect(pipeline, asked, scimIds);
    const collected = await look();
    await caughtUp(recorder, collected);
    return {
      operations: [...recorder.operations, ...collected],
      seenMeanwhile: [...recorder.operations],
      lookAgain: look,
      scimIds,
      asked,
      optOuts: (await allOptOuts(pipeline, TENANT)).length,
      unrest,
      nemesis,
      rebalances,
    };
  } finally {
    await watch.stop().catch(() => undefined);
    for (const reader of readers) await reader.stop();
  }
}

function declareReaders(recorder: Recorder): void {
  const topics = ['requests', 'outcomes'];
  for (const reader of [TAIL, GROUP])
    recorder.observe({ kind: 'reader', reader, topics, arePollsObserved: true });
  for (const reader of INSIDE) recorder.observe({ kind: 'reader', reader, topics, arePollsObserved: false });
}

type Actor = () => Promise<void>;

/** Everybody who speaks about one person: one connection or two, and for some a caller of the REST door. */
function actorsOf(
  { pipeline, mayOverlap }: WorkloadOptions,
  asked: AskedRequests,
  { name: userName, i, untilMs }: { name: string; i: number; untilMs: number },
  random: Random,
): Actor[] {
  const connections = i % 3 === 0 ? [i, i + 1] : [i];
  const turns = new Turns(pipeline, TENANT, userName, mayOverlap, untilMs);
  const providers = connections.map(
    n =>
      new IdentityProvider(
        pipeline.connection(CONNECTIONS[n % CONNECTIONS.length] ?? ''),
        userName,
        asked,
        new Random(random.int(2 ** 31)),
        turns,
      ),
  );
  const own = new Random(random.int(2 ** 31));
  const caller = new RestCaller(pipeline.ready.api, TENANT, userName, asked, own, turns);
  return [...providers, ...(i % 3 === 1 ? [caller] : [])].map(actor => async () => {
    while (Date.now() < untilMs) {
      await actor.step();
      await sleep(PAUSE_MS.least + own.int(PAUSE_MS.more));
    }
  });
}

/** Everything that can be looked up once nothing moves. */
async function collect(
  pipeline: Pipeline,
  asked: AskedRequests,
  scimIds: ReadonlyMap<string, string>,
): Promise<Operation[]> {
  const log = await readLog(pipeline);
  const effects = effectOperations(log);
  return [
    ...requestOperations(asked, log),
    ...(await workOperations(pipeline, log)),
    ...effects,
    ...(await accountOperations(pipeline, TENANT, scimIds, new Set(effects.map(e => e.key)))),
    ...(await readAudit(pipeline)),
    await digestOperation(pipeline),
  ];
}

async function digestOperation(pipeline: Pipeline): Promise<Operation> {
  const verified = await sever(pipeline, ['replay', 'verify', '--json']);
  const { liveDigest, replayDigest } = JSON.parse(verified.stdout) as {
    liveDigest: string;
    replayDigest: string;
  };
  return { kind: 'digest', what: 'the state of the read models', live: liveDigest, rebuilt: replayDigest };
}

const CATCH_UP_MS = 30_000;

/** The test's own readers get the time to read to the end; whether they did is for the checks to say. */
async function caughtUp(recorder: Recorder, collected: readonly Operation[]): Promise<void> {
  const wanted = collected.filter(o => o.kind === 'record').length;
  const deadline = Date.now() + CATCH_UP_MS;
  while (Date.now() < deadline) {
    const seen = (reader: string): number => {
      const ids = new Set<string>();
      for (const o of recorder.operations)
        if (o.kind === 'poll' && o.reader === reader) for (const r of o.records) ids.add(r.eventId);
      return ids.size;
    };
    if (seen(TAIL) >= wanted && seen(GROUP) >= wanted) return;
    await sleep(500);
  }
}
