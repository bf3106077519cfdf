import { setTimeout as sleep } from 'node:timers/promises';
import { newEventId } from '@sever/event-contracts';
import { toRecord } from '@sever/event-log';
import { createPostgresEventLogWriter } from '@sever/event-log-postgres';
import { openDatabase, rows } from '@sever/postgres';
import { lifeOf } from './events.mjs';
import { startPipeline } from './pipeline.mjs';
import { cpuSeconds, memoryOf, treeOf } from './process-tree.mjs';

const MIB = 1024 * 1024;
const PSS_MAX_MIB = 1_228;
const SETTLE_MS = 8_000;
/** People per transaction; their decisions are the coordinator's own. */
const PEOPLE = 20;
const LAG_MAX = 2_000;

/**
 * Memory and processor time of the whole embedded pipeline: idle, and after `from` and `events` events of the log. The baseline is
 * the same pipeline after the first events. Opt-outs are addressed to an instance that nobody runs, with its outcomes written
 * beside: connectors read and skip, the coordinator decides, the projector projects.
 */
export async function footprint(progress, { from = 1_000, events = 20_000, rate = 1_000, idle = 30 } = {}) {
  const pipeline = await startPipeline();
  try {
    const db = await openDatabase({ url: pipeline.ready.databaseUrl, applicationName: 'bench', poolMax: 2 });
    try {
      return await measure({ pipeline, db, progress, from, events, rate, idle });
    } finally {
      await db.destroy();
    }
  } finally {
    await pipeline.stop();
  }
}

async function measure({ pipeline, db, progress, from, events, rate, idle }) {
  const feeder = feed(db, rate, progress.stage('events in the log', events));
  await feeder(from);
  await caughtUp(db, progress);
  await sleep(SETTLE_MS);
  const before = await memoryByName(pipeline);
  progress(`${idle} s of idling`);
  const resting = await idling(pipeline, idle);
  await feeder(events);
  await caughtUp(db, progress);
  await sleep(SETTLE_MS);
  const after = await memoryByName(pipeline);
  const pss = memoryOf(treeOf(pipeline.pid)).pss / MIB;
  return {
    name: 'footprint',
    unit: 'MiB, and % of a core',
    rows: [
      {
        what: `whole pipeline, PSS, idle`,
        value: resting.pss,
        ratio: resting.pss / PSS_MAX_MIB,
        against: '1.2 GiB',
        wanted: 1,
      },
      {
        what: `whole pipeline, processor, idle for ${idle} s`,
        value: resting.percent,
        ratio: resting.percent / 5,
        against: '5 %',
        wanted: 1,
      },
      {
        what: `whole pipeline, PSS, after ${events} events`,
        value: pss,
        ratio: pss / PSS_MAX_MIB,
        against: '1.2 GiB',
        wanted: 1,
      },
      ...[...before].map(([name, bytes]) => ({
        what: `${name} after ${events} events`,
        value: (after.get(name) ?? 0) / MIB,
        ratio: (after.get(name) ?? 0) / bytes,
        against: `its ${(bytes / MIB).toFixed(1)} after ${from}`,
        wanted: '0.9 to 1.1',
      })),
    ],
    notes: [
      'Per process: private and shared pages by share (PSS) with its children; PostgreSQL without its shared buffers, whose size is fixed and which fill by use.',
      ...(events < 100_000 ? [`A short run: --events 100000 is the figure of the docs.`] : []),
    ],
  };
}

async function memoryByName({ ready, pid }) {
  const named = new Map(ready.processes.map(p => [p.pid, p.name]));
  const found = new Map();
  for (const { pid: root, name } of ready.processes) {
    const { pss, shared } = memoryOf(treeOf(root));
    found.set(name, pss - (name.includes('postgres') && !name.startsWith('connector') ? shared : 0));
  }
  found.set('sever up', memoryOf([pid].filter(p => !named.has(p))).pss);
  return found;
}

async function idling({ pid }, seconds) {
  const pids = treeOf(pid);
  const began = performance.now();
  const cpu = cpuSeconds(pids);
  await sleep(seconds * 1_000);
  const elapsed = (performance.now() - began) / 1_000;
  return { percent: ((cpuSeconds(pids) - cpu) / elapsed) * 100, pss: memoryOf(treeOf(pid)).pss / MIB };
}

/** Appends opt-outs at most at `rate` events per second, and never more than the readers follow. */
function feed(db, rate, report) {
  const writer = createPostgresEventLogWriter(db);
  let person = Date.now();
  return async until => {
    for (let total = await logged(db); total < until; total = await logged(db)) {
      const began = performance.now();
      const records = Array.from({ length: PEOPLE }, () =>
        lifeOf((person += 1), `bench-${newEventId()}`).slice(0, 10),
      )
        .flat()
        .map(toRecord);
      await db.transaction(em => writer.append(em, records));
      writer.wake();
      report(Math.min(total, until));
      await sleep(Math.max(0, (records.length / rate) * 1_000 - (performance.now() - began)));
      while ((await lag(db)) > LAG_MAX) await sleep(50);
    }
    report(until);
  };
}

const logged = async db => Number((await rows(db, 'select sum(next_offset) as n from log_partition'))[0].n);

/** Records that some reader of the pipeline has not finished. */
async function lag(db) {
  const [row] = await rows(
    db,
    `select coalesce(sum(behind), 0) as n from (
       select lp.next_offset - coalesce(o.next_offset, 0) as behind
         from log_partition lp cross join (values ('projector'), ('coordinator')) c(name)
         left join consumer_offset o on o.consumer = c.name and o.topic = lp.topic and o.partition = lp.partition
       union all
       select lp.next_offset - g.next_offset from log_group_partition g
         join log_partition lp on lp.topic = g.topic and lp.partition = g.partition where g.group_name like 'connector-%') b`,
  );
  return Number(row.n);
}

async function caughtUp(db, progress) {
  const report = progress.stage('records to read', await lag(db));
  const most = await lag(db);
  const until = performance.now() + 120_000;
  for (let left = most; left > 0; left = await lag(db)) {
    if (performance.now() > until) throw new Error(`the readers are still ${left} records behind`);
    report(Math.max(1, most - left));
    await sleep(200);
  }
}
