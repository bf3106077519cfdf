import { readFileSync } from 'node:fs';
import { quantile } from '../numbers.mjs';
import { hammers, inScimWorld, newConnection, seedUsers } from './world.mjs';

const SEED_STEP = 50_000;
const WALK_SAMPLES = 20;

/** Looking for one user among a thousand and among a million, and a walk with cursors through all of them. */
export const scimDirectory = (progress, { users = 1_000_000, few = 1_000, finds = 3_000 } = {}) =>
  inScimWorld(progress, async world => {
    const small = await newConnection(world, 'few');
    const large = await newConnection(world, 'many');
    await seedUsers(world, small, few);
    const report = progress.stage('users stored', users);
    for (let n = 0; n < users; n += SEED_STEP) {
      await seedUsers(world, large, Math.min(SEED_STEP, users - n), n);
      report(Math.min(users, n + SEED_STEP));
    }
    const times = { few: [], many: [] };
    const [a] = await hammers(world.port, small.token, 1);
    const [b] = await hammers(world.port, large.token, 1);
    for (let i = -500; i < finds; i += 1) {
      // One of each in turn, so that both see the same machine. The first ones warm up.
      const few_ = await find(a, small, i, few);
      const many = await find(b, large, i, users);
      if (i < 0) continue;
      times.few.push(few_);
      times.many.push(many);
    }
    const walked = await walk(world, b, large, users, progress);
    for (const client of [a, b]) client.close();
    const p99 = { few: quantile(times.few, 0.99), many: quantile(times.many, 0.99) };
    return [
      {
        name: 'scim-find',
        unit: 'ms',
        rows: [
          { what: `filter=userName eq "…" among ${few}, p99`, value: p99.few },
          {
            what: `filter=userName eq "…" among ${users}, p99`,
            value: p99.many,
            ratio: p99.many / p99.few,
            against: `among ${few}`,
            wanted: 1.5,
          },
        ],
      },
      {
        name: 'scim-walk',
        unit: 'MiB',
        rows: [
          { what: 'memory of the ingress after a tenth of the walk', value: walked.early },
          {
            what: `memory at most after that, until ${users} users were met`,
            value: walked.most,
            ratio: walked.most / walked.early,
            against: 'after a tenth',
            wanted: 1.1,
          },
        ],
        notes: [`${Math.round(walked.rate)} users/s in pages of 200`],
      },
    ];
  });

async function find(client, { path }, i, users) {
  const name = `u${Math.abs(i * 7_919) % users}@X.example`;
  const began = performance.now();
  const { status, body } = await client.send(
    'GET',
    `${path}/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`,
  );
  const took = performance.now() - began;
  if (status !== 200 || JSON.parse(body).totalResults !== 1)
    throw new Error(`${name} was not found: ${status} ${body}`);
  return took;
}

async function walk({ pid }, client, { path }, users, progress) {
  const report = progress.stage('users met', users);
  const seen = new Set();
  const memory = [];
  const began = performance.now();
  for (let cursor = ''; cursor !== undefined;) {
    const { status, body } = await client.send(
      'GET',
      `${path}/Users?count=200&attributes=userName&cursor=${cursor}`,
    );
    if (status !== 200) throw new Error(`the walk ended with ${status}: ${body}`);
    const page = JSON.parse(body);
    for (const { id } of page.Resources) seen.add(id);
    report(seen.size);
    if (seen.size >= (memory.length + 1) * (users / WALK_SAMPLES)) memory.push(mebibytesOf(pid));
    cursor = page.nextCursor;
  }
  if (seen.size !== users) throw new Error(`${seen.size} users were met, not ${users}`);
  const early = memory[WALK_SAMPLES / 10 - 1];
  return {
    early,
    most: Math.max(...memory.slice(WALK_SAMPLES / 10)),
    rate: users / ((performance.now() - began) / 1_000),
  };
}

/** Resident memory; only where /proc is. */
const mebibytesOf = pid =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1_024;
