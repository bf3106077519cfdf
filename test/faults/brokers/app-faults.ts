import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, sql } from '../../harness/clients.js';
import type { Fault } from './fault.js';
import type { Site } from './site.js';
import { startTwin, untilReady, type Twin } from './twin.js';

const FREEZE_MS = 60_000;
/** The session of a member that says nothing ends after 45 s. */
const EVICTED_MS = 100_000;
const AS_ZOMBIES_MS = 5_000;
const CHURN_ROUNDS = 6;
const EVERY_MS = 2_000;

const killed = (what: string, names: readonly string[]): Fault => ({
  name: `SIGKILL of ${what}`,
  happen: async site => {
    await Promise.all(names.map(name => site.replace(name, 'SIGKILL')));
  },
});

/** Readers in groups, which lose their partitions while they hang. */
const MEMBERS = ['connector-scim', 'projector'];

const leaseEpoch = async (site: Site): Promise<number> => {
  const [lease] = await sql<{ epoch: string }>(
    site.pipeline.ready.databaseUrl,
    'select epoch from relay_lease',
  );
  return Number(lease?.epoch);
};

/** The frozen member is no longer one, and somebody else is. */
async function evicted(site: Site, group: string, before: readonly string[]): Promise<void> {
  await eventually(
    `${group} goes on without its frozen member`,
    async () => {
      const members = await site.roles.membersOf(group);
      return members.length > 0 && before.every(id => !members.includes(id));
    },
    EVICTED_MS,
    500,
  );
}

/**
 * The relay, a connector and the projector hang at the same time, a second process of each takes over, and then the first ones
 * wake up with what they were doing.
 */
const frozen: Fault = {
  name: 'SIGSTOP of the relay, a connector and the projector for a minute, while others take over',
  happen: async site => {
    const names = ['relay', ...MEMBERS];
    const before = new Map<string, string[]>();
    for (const group of MEMBERS) before.set(group, await site.roles.membersOf(group));
    const epoch = await leaseEpoch(site);
    const twins: Twin[] = [];
    try {
      for (const name of names) site.signal(name, 'SIGSTOP');
      for (const name of names) twins.push(await startTwin(name, site.pidOf(name)));
      await Promise.all([
        sleep(FREEZE_MS),
        eventually('another relay', async () => (await leaseEpoch(site)) > epoch, EVICTED_MS, 500),
        ...MEMBERS.map(group => evicted(site, group, before.get(group) ?? [])),
      ]);
      for (const name of names) site.signal(name, 'SIGCONT');
      await sleep(AS_ZOMBIES_MS);
    } finally {
      for (const name of names) site.signal(name, 'SIGCONT');
      for (const twin of twins) await twin.stop();
    }
  },
};

const churn: Fault = {
  name: 'members of a group that join and leave every two seconds',
  happen: async site => {
    for (let round = 0; round < CHURN_ROUNDS; round += 1) {
      const twin = await startTwin('connector-scim', site.pidOf('connector-scim'));
      let guest: Awaited<ReturnType<Site['join']>> | undefined;
      try {
        guest = await site.join(`guest-${round}`);
        await untilReady(twin, 'connector-scim');
        await sleep(EVERY_MS);
      } finally {
        await Promise.all([guest?.stop(), twin.stop()]);
      }
      await sleep(EVERY_MS);
    }
  },
};

/** What can happen to the processes between the log and the targets. */
export const APP_FAULTS: readonly Fault[] = [
  killed('the relay', ['relay']),
  // Together, since their groups wait for each of them until its session ends.
  killed('a connector, the projector and the coordinator', ['connector-scim', 'projector', 'coordinator']),
  frozen,
  churn,
  killed('PostgreSQL while Kafka lives', ['postgres']),
];
