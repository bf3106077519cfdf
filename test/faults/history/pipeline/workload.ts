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
import { KeptReader } from './kept-reader.js';
import { ObservingReader, churn } from './readers.js';
import { Recorder } from './recorder.js';
import { RestCaller } from './rest-caller.js';
import { Turns } from './turns.js';

export type WorkOptions = {
  pipeline: Pipeline;
  profile: Profile;
  seed: number;
  people: number;
  /** Whether people are opted out anew while an earlier opt-out of theirs is being given back. */
  mayOverlap: boolean;
};

export type WorkloadOptions = WorkOptions & {
  /** How long is written and broken, in milliseconds. */
  durationMs: number;
  /** How long it may take afterwards until nothing moves, in milliseconds. */
  restMs: number;
  isDisturbed: boolean;
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
};

const TENANT = 'acme';
const CONNECTIONS = ['entra', 'okta', 'strict', 'lenient'];
const TAIL = 'tail';
const GROUP = 'history-group';
/** Readers inside the pipeline of which only the traces are seen. */
const INSIDE = ['projector', 'connector-scim', 'connector-postgres'];
const PAUSE_MS = { least: 800, more: 4_000 };

/** Writes through all doors at once while processes are killed and stalled, waits for rest, and collects the history. */
export async function runWorkload(
  o: WorkloadOptions,
): Promise<Observed & { nemesis: Nemesis; rebalances: number }> {
  const random = new Random(o.seed);
  const workload = await Workload.start({ ...o, seed: random.int(2 ** 31) });
  try {
    const until = Date.now() + o.durationMs;
    const nemesis = new Nemesis(o.pipeline, new Random(random.int(2 ** 31)));
    const [rebalances] = await workload.during(() =>
      Promise.all([
        churn(member => workload.join(member), new Random(random.int(2 ** 31)), until),
        o.isDisturbed ? nemesis.run(until) : undefined,
        sleep(o.durationMs),
      ]),
    );
    return { ...(await workload.rest(o.restMs)), nemesis, rebalances };
  } finally {
    await workload.stop();
  }
}

/** Many clients that write, and readers that write down what they are given, for as long as something else is done. */
export class Workload {
  private readonly recorder = new Recorder();
  private readonly asked = new AskedRequests();
  private readonly watch: PositionWatch;
  private readonly readers: KeptReader[] = [];
  private isWriting = false;

  private constructor(
    private readonly o: WorkOptions,
    private readonly scimIds: ReadonlyMap<string, string>,
    private readonly actors: readonly Actor[],
  ) {
    this.watch = new PositionWatch(o.profile, o.pipeline, this.recorder);
  }

  static async start(o: WorkOptions): Promise<Workload> {
    const random = new Random(o.seed);
    const userNames = Array.from({ length: o.people }, (_, i) => `history.${i}@acme.example`);
    const scimIds = await makeAccounts(o.pipeline, userNames);
    const actors: Actor[] = [];
    const workload = new Workload(o, scimIds, actors);
    for (const [i, name] of userNames.entries())
      actors.push(...actorsOf(o, workload.asked, { name, i, isOver: () => !workload.isWriting }, random));
    declareReaders(workload.recorder);
    for (const reader of [TAIL, GROUP])
      workload.readers.push(
        await KeptReader.start(reader, (member, onFatal) =>
          workload.read(reader, member, reader === GROUP, onFatal),
        ),
      );
    workload.watch.start();
    return workload;
  }

  /** A further member of the test's own group. */
  join(member: string): Promise<ObservingReader> {
    return this.read(GROUP, member, true);
  }

  /** Writes while something is done; resolves when both have ended. */
  async during<T>(deed: () => Promise<T>): Promise<T> {
    this.isWriting = true;
    const writing = Promise.all(this.actors.map(actor => actor()));
    // A client that fails is told of at the end.
    writing.catch(() => undefined);
    try {
      return await deed();
    } finally {
      this.isWriting = false;
      await writing;
    }
  }

  /** Waits until nothing moves, and collects the history since the start. */
  async rest(restMs: number): Promise<Observed> {
    const { pipeline, profile } = this.o;
    const unrest = await comeToRest(pipeline, profile, TENANT, restMs).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    await this.watch.look();
    const look = (): Promise<Operation[]> => collect(this.o, this.asked, this.scimIds);
    const collected = await look();
    await caughtUp(this.recorder, collected, Math.min(restMs, CATCH_UP_MS));
    const { operations } = this.recorder;
    return {
      operations: [...operations, ...collected],
      seenMeanwhile: [...operations],
      lookAgain: look,
      scimIds: this.scimIds,
      asked: this.asked,
      optOuts: (await allOptOuts(pipeline, TENANT)).length,
      unrest,
    };
  }

  async stop(): Promise<void> {
    await this.watch.stop().catch(() => undefined);
    for (const reader of this.readers) await reader.stop();
  }

  private read(
    reader: string,
    member: string,
    isInGroup: boolean,
    onFatal: (error: Error) => void = () => undefined,
  ): Promise<ObservingReader> {
    const { pipeline, profile } = this.o;
    const { recorder } = this;
    return ObservingReader.start({ profile, pipeline, recorder, reader, member, isInGroup, onFatal });
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
  { pipeline, mayOverlap }: WorkOptions,
  asked: AskedRequests,
  { name: userName, i, isOver }: { name: string; i: number; isOver: () => boolean },
  random: Random,
): Actor[] {
  const connections = i % 3 === 0 ? [i, i + 1] : [i];
  const turns = new Turns(pipeline, TENANT, userName, mayOverlap, isOver);
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
    while (!isOver()) {
      await actor.step();
      await sleep(PAUSE_MS.least + own.int(PAUSE_MS.more));
    }
  });
}

/** Everything that can be looked up once nothing moves. */
async function collect(
  { pipeline, profile }: WorkOptions,
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
    ...((await profile.readAgain?.(pipeline)) ?? []),
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

/** A member that ended without a word keeps its partitions for 45 s; so may its successor. */
const CATCH_UP_MS = 120_000;

/** The test's own readers get the time to read to the end; whether they did is for the checks to say. */
async function caughtUp(
  recorder: Recorder,
  collected: readonly Operation[],
  timeoutMs: number,
): Promise<void> {
  const wanted = collected.filter(o => o.kind === 'record').length;
  const deadline = Date.now() + timeoutMs;
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
