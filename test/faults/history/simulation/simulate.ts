import type { Operation } from '../operation.js';
import type { Bug } from './bug.js';
import { Random } from './random.js';
import { SimulatedClient } from './simulated-client.js';
import { SimulatedGroup } from './simulated-group.js';
import { SimulatedLog, TOPIC } from './simulated-log.js';
import { SimulatedTarget } from './simulated-target.js';
import { ConnectorWork, ProjectorWork, Tail, bytesOf } from './simulated-work.js';
import type { World } from './world.js';

/** How large a simulation is. `steps` is a number of moves of all parts together. */
export type Scale = { seed: number; steps: number; partitions: number; clients: number; people: number };

const CONNECTOR = 'connector-scim';
const COMMIT_BUGS = ['commit-without-fence', 'commit-before-processing'] as const;
/** In a group whose records have no effects: what a reader misses would show in them as well. */
const POLL_BUGS = [
  'poll-drops-middle',
  'poll-drops-first',
  'poll-rewinds',
  'takeover-starts-at-end',
] as const;

/**
 * A small log with clients, a connector, a projector and a reader of its own, run for some steps under retries, crashes,
 * rebalances and zombies, then brought to rest.
 * @returns what an observer saw, and how often the bug did harm that must show
 */
export function simulate(scale: Scale, bug?: Bug): { operations: Operation[]; struck: number } {
  const operations: Operation[] = [];
  let struck = 0;
  let now = 0;
  const world: World = {
    random: new Random(scale.seed),
    log: new SimulatedLog(scale.partitions),
    bug,
    observe: operation => operations.push(operation),
    struck: () => {
      struck += 1;
    },
    now: () => now,
    actions: bug === 'cuts-overtake' ? ['cut'] : ['cut', 'restore'],
    // Another member could finish what this bug loses.
    hasZombies: bug !== 'commit-before-processing',
  };
  const clients = Array.from(
    { length: scale.clients },
    (_, i) => new SimulatedClient(world, `client-${i}`, `t:${i % scale.people}`),
  );
  const target = new SimulatedTarget(world, CONNECTOR);
  const projector = new ProjectorWork(world);
  const groups = [
    new SimulatedGroup(world, 'tail', new Tail(), [], true),
    new SimulatedGroup(world, 'observers', new Tail(), POLL_BUGS),
    new SimulatedGroup(world, CONNECTOR, new ConnectorWork(world, target), COMMIT_BUGS),
    new SimulatedGroup(world, 'projector', projector, []),
  ];
  const parts = [...clients, ...groups, ...groups, ...groups];
  for (; now < scale.steps; now += 1) world.random.pick(parts).step();
  for (const client of clients) client.finish();
  now += 1;
  // What comes last in every partition: whatever is before it and was not read is passed now.
  for (let p = 0; p < scale.partitions; p += 1)
    new SimulatedClient(world, `last-${p}`, `t:${p}`).askAndCommit();
  now += 1;
  if (bug === 'ack-without-commit-at-the-end') new SimulatedClient(world, 'vain', 't:0').askInVain();
  for (const group of groups) group.drain();
  target.observeAccounts();
  observeLog(world);
  observeDigest(world, projector);
  return { operations, struck };
}

function observeLog(world: World): void {
  for (let partition = 0; partition < world.log.partitions; partition += 1)
    for (const { logOffset, eventId, key } of world.log.read(partition, 0, Infinity)) {
      const record = { topic: TOPIC, partition, logOffset, eventId };
      world.observe({ kind: 'record', ...record, key, sha256: bytesOf(eventId), request: eventId });
      world.observe({ kind: 'owed', reader: CONNECTOR, ...record });
    }
}

/** The read models are the last event of each person. */
function observeDigest(world: World, { live }: ProjectorWork): void {
  const rebuilt = new Map<string, string>();
  for (let partition = 0; partition < world.log.partitions; partition += 1)
    for (const { key, eventId } of world.log.read(partition, 0, Infinity)) rebuilt.set(key, eventId);
  const text = (models: Map<string, string>): string => JSON.stringify([...models].sort());
  if (world.bug === 'fold-depends-on-batches' && text(live) !== text(rebuilt)) world.struck();
  world.observe({ kind: 'digest', what: 'the read models', live: text(live), rebuilt: text(rebuilt) });
}
