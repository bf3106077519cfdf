import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PARTITIONS } from '@sever/event-log';
import { call, eventually } from '../../harness/clients.js';
import type { Fault } from './fault.js';
import type { Site } from './site.js';

const FREEZE_MS = 60_000;
const OUTAGE_MS = 120_000;
const MOVED_MS = 50_000;

type Role = { what: string; holder: (site: Site) => Promise<number> };

const CONTROLLER: Role = { what: 'the controller', holder: site => site.roles.controller() };
const leading = (partition: number): Role => ({
  what: `the leader of requests/${partition}`,
  holder: site => site.roles.leaderOf('requests', partition),
});
const keeping = (group: string): Role => ({
  what: `the coordinator of the group ${group}`,
  holder: site => site.roles.coordinatorOf(group),
});

const GROUPS = [
  'connector-scim',
  'connector-postgres',
  'connector-scim-globex',
  'projector',
  'coordinator',
] as const;

/** Somebody else has the role, and the cluster goes on without its former holder. */
const moved = (site: Site, { what, holder }: Role, from: number): Promise<unknown> =>
  eventually(`another broker is ${what}`, async () => (await holder(site)) !== from, MOVED_MS, 250);

const killed = (role: Role): Fault => ({
  name: `SIGKILL of ${role.what}`,
  happen: async site => {
    const id = await role.holder(site);
    await Promise.all([site.replace(`kafka-${id}`, 'SIGKILL'), moved(site, role, id)]);
    await site.wholeCluster();
  },
});

/**
 * The broker that is the controller hangs, together with what it leads and keeps. Where it leads no partition or keeps no group,
 * those that do hang after it.
 */
const frozen: Fault = {
  name: 'SIGSTOP of the controller, a partition leader and a group coordinator for a minute',
  happen: async site => {
    const controller = await site.roles.controller();
    const all = [CONTROLLER, await ledBy(site, controller), await keptBy(site, controller)];
    const waiting = new Map<number, Role[]>();
    for (const role of all) {
      const id = await role.holder(site);
      waiting.set(id, [...(waiting.get(id) ?? []), role]);
    }
    for (const [id, roles] of waiting) {
      await site.freeze(`kafka-${id}`, FREEZE_MS, () =>
        Promise.all(roles.map(role => moved(site, role, id))),
      );
      await site.wholeCluster();
    }
  },
};

/** A partition that the broker leads; otherwise the first one. */
async function ledBy(site: Site, id: number): Promise<Role> {
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    if ((await site.roles.leaderOf('requests', partition)) === id) return leading(partition);
  return leading(0);
}

/** A group that the broker keeps; otherwise the first one. */
async function keptBy(site: Site, id: number): Promise<Role> {
  for (const group of GROUPS) if ((await site.roles.coordinatorOf(group)) === id) return keeping(group);
  return keeping(GROUPS[0]);
}

const rollingRestart: Fault = {
  name: 'rolling restart of all brokers',
  happen: async site => {
    for (let id = 1; id <= site.roles.brokers.length; id += 1) {
      await site.replace(`kafka-${id}`, 'SIGTERM');
      await site.wholeCluster();
    }
  },
};

/** Kills every broker as soon as it runs. */
async function holdDown(site: Site, untilMs: number): Promise<void> {
  const folder = path.join(site.pipeline.dataDir, `kafka-of-${site.roles.brokers.length}`);
  while (Date.now() < untilMs) {
    for (let id = 1; id <= site.roles.brokers.length; id += 1) {
      try {
        process.kill(Number(readFileSync(path.join(folder, `node-${id}`, 'broker.pid'), 'utf8')), 'SIGKILL');
      } catch {
        // It does not run at the moment.
      }
    }
    await sleep(200);
  }
}

const allGone: Fault = {
  name: 'all brokers gone for two minutes',
  happen: async site => {
    const until = Date.now() + OUTAGE_MS;
    const { baseUrl, token } = site.pipeline.ready.api;
    await Promise.all([
      holdDown(site, until),
      sleep(OUTAGE_MS / 2).then(async () => {
        const body = { tenant: 'acme', userName: 'in.the.outage@acme.example', create: true };
        const reply = await call('POST', `${baseUrl}/v1/opt-outs`, token, body);
        if (reply.status !== 202) throw new Error(`an opt-out without Kafka was answered ${reply.status}`);
        if (Date.now() > until) throw new Error('the answer came after the outage');
      }),
    ]);
    await site.wholeCluster();
  },
};

/** What can happen to brokers, each thing to the one that matters. */
export const BROKER_FAULTS: readonly Fault[] = [
  // First, while every broker still leads its part of the partitions.
  frozen,
  ...[leading(0), CONTROLLER, keeping('connector-scim')].map(killed),
  rollingRestart,
  allGone,
];
