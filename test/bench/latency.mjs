import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@sever/postgres';
import { quantile } from './numbers.mjs';
import { pointInstance, startPipeline } from './pipeline.mjs';
import { startScript } from './script.mjs';

const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/**
 * From the request of an opt-out to the first call in a downstream system, against the same chain in bare `pg` and `fetch`: request,
 * durable directory row and event, hint, indexed read, durable row, call. Same machine, same database server, same target.
 */
export async function latency(progress, { slow = 30, burst = 50, seconds = 10 } = {}) {
  const pipeline = await startPipeline(['--rate-limit', 'off', '--hold', 'never']);
  const children = [];
  const start = async (file, env = {}) => {
    const child = startScript(`latency/${file}`, env);
    children.push(child);
    return child.said;
  };
  try {
    const db = await openDatabase({ url: pipeline.ready.databaseUrl, applicationName: 'bench', poolMax: 4 });
    const { port } = await start('target.mjs');
    const target = `http://127.0.0.1:${port}`;
    const env = { FLOOR_DATABASE: pipeline.ready.databaseUrl, FLOOR_TARGET: target };
    for (const sql of FLOOR_TABLES) await db.query(sql);
    await start('floor-connector.mjs', env);
    const door = await start('floor-door.mjs', env);
    await pointInstance(pipeline, db, 'scim', { baseUrl: `${target}/scim/v2` });
    await db.destroy();
    const ways = {
      floor: floorDoor(door.port),
      pipeline: await pipelineDoor(pipeline.ready, 2 * (slow + burst * seconds) + 40, progress),
    };
    return await measure(ways, target, progress, { slow, burst, seconds });
  } finally {
    for (const child of children) child.stop();
    await pipeline.stop();
  }
}

const FLOOR_TABLES = [
  'create table floor_person (name text primary key, active boolean not null)',
  'create table floor_counter (part int primary key, next bigint not null default 0) with (fillfactor = 10)',
  'insert into floor_counter (part) select generate_series(0, 47)',
  'create table floor_log (part int, n bigint, event_id uuid not null unique, value bytea not null, primary key (part, n))',
  'create table floor_work (event_id uuid primary key, state text not null)',
];

async function measure(ways, target, progress, { slow, burst, seconds }) {
  const rates = [
    { what: '1/s', perSecond: 1, count: slow },
    { what: `${burst}/s`, perSecond: burst, count: burst * seconds },
  ];
  for (const [name, ask] of Object.entries(ways)) {
    await run(ask, target, { perSecond: 20, count: 20 });
    progress(`${name} warm`);
  }
  const rows = [];
  for (const rate of rates) {
    const floor = await run(ways.floor, target, rate);
    progress(`floor at ${rate.what}: p50 ${ms(quantile(floor, 0.5))}, p99 ${ms(quantile(floor, 0.99))}`);
    const real = await run(
      ways.pipeline,
      target,
      rate,
      progress.stage(`first calls at ${rate.what}`, rate.count),
    );
    for (const [q, name] of [
      [0.5, 'p50'],
      [0.99, 'p99'],
    ]) {
      rows.push({ what: `floor at ${rate.what}, ${name}`, value: quantile(floor, q) });
      rows.push({
        what: `opt-out to first call at ${rate.what}, ${name}`,
        value: quantile(real, q),
        ratio: quantile(real, q) / quantile(floor, q),
        against: 'floor',
        ...(name === 'p99' && { wanted: 2 }),
      });
    }
  }
  return { name: 'latency', unit: 'ms', rows };
}

const ms = value => `${value.toFixed(1)} ms`;

/** Sends `count` opt-outs at a steady rate, whether or not earlier ones are answered. @returns milliseconds to each first call */
async function run(ask, target, { perSecond, count }, report = () => undefined) {
  const sent = new Map();
  const failed = [];
  const began = performance.now();
  for (let i = 0; i < count; i += 1) {
    await sleep(Math.max(0, began + (i / perSecond) * 1_000 - performance.now()));
    const { name, send } = ask();
    sent.set(name, process.hrtime.bigint());
    send().catch(error => failed.push(error));
  }
  const took = new Map();
  const until = performance.now() + 120_000;
  while (took.size < count) {
    if (failed.length > 0) throw failed[0];
    if (performance.now() > until)
      throw new Error(`${count - took.size} of ${count} people were never asked for`);
    const times = await (await fetch(`${target}/times`)).json();
    for (const [name, at] of Object.entries(times))
      if (sent.has(name)) took.set(name, Number(BigInt(at) - sent.get(name)) / 1e6);
    report(took.size);
    await sleep(100);
  }
  return [...took.values()];
}

function floorDoor(port) {
  let n = 0;
  return () => {
    const name = `floor-${(n += 1)}`;
    return {
      name,
      send: () => answered(fetch(`http://127.0.0.1:${port}/?name=${name}`, { method: 'POST' }), 204),
    };
  };
}

/** People of the directory, made beforehand; each asks once, as a directory does: `active` becomes false. */
async function pipelineDoor(ready, people, progress) {
  const { baseUrl, token } = ready.connections.find(c => c.id === 'strict');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' };
  const report = progress.stage('people made', people);
  const made = [];
  let asked = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (asked < people) {
        const name = `latency.${(asked += 1)}@acme.example`;
        const reply = await fetch(`${baseUrl}/Users`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ schemas: [SCHEMA], userName: name }),
        });
        made.push({ name, id: (await reply.json()).id });
        report(made.length);
      }
    }),
  );
  const body = JSON.stringify({
    schemas: [PATCH],
    Operations: [{ op: 'replace', path: 'active', value: false }],
  });
  return () => {
    const { name, id } = made.pop();
    return {
      name,
      send: () => answered(fetch(`${baseUrl}/Users/${id}`, { method: 'PATCH', headers, body }), 200),
    };
  };
}

async function answered(reply, status) {
  const { status: got, ...rest } = await reply.then(async r => ({ status: r.status, text: await r.text() }));
  if (got !== status) throw new Error(`a request was answered ${got}: ${rest.text.slice(0, 200)}`);
}
