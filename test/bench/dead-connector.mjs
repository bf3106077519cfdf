import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, rows } from '@sever/postgres';
import { median } from './numbers.mjs';
import { pidOf, pointInstance, startPipeline } from './pipeline.mjs';
import { startScript } from './script.mjs';

/** Enough for a figure; 10,000 take minutes. */
const DEFAULT_OPT_OUTS = 400;
const DOCS_OPT_OUTS = 10_000;
const SENDERS = 8;

/**
 * How fast a healthy connector cuts a queue of opt-outs while its sibling's target is dead, against the same queue alone. Both
 * connectors are stopped while the queue is filled, and let go together.
 */
export async function deadConnector(progress, { optOuts = DEFAULT_OPT_OUTS, rounds = 3 } = {}) {
  const pipeline = await startPipeline(['--rate-limit', 'off', '--hold', 'never']);
  const script = startScript('latency/target.mjs');
  try {
    const db = await openDatabase({ url: pipeline.ready.databaseUrl, applicationName: 'bench', poolMax: 2 });
    const { port } = await script.said;
    await pointInstance(pipeline, db, 'scim', { baseUrl: `http://127.0.0.1:${port}/scim/v2` });
    // Nothing listens on port 1: every call is refused.
    await pointInstance(pipeline, db, 'postgres', { port: 1 });
    const rates = { alone: [], beside: [] };
    for (let round = 0; round <= rounds; round += 1) {
      for (const way of ['alone', 'beside']) {
        const rate = await cutQueue({ pipeline, db, progress, optOuts, isAlone: way === 'alone' });
        progress(`round ${round} of ${rounds}: ${way} ${rate.toFixed(1)} cuts/s`);
        // The first round warms up.
        if (round > 0) rates[way].push(rate);
      }
    }
    await db.destroy();
    return {
      name: 'dead-connector',
      unit: 'cuts/s',
      rows: [
        { what: 'healthy connector alone', value: median(rates.alone) },
        {
          what: `healthy connector beside a dead one, ${optOuts} opt-outs queued`,
          value: median(rates.beside),
          ratio: median(rates.beside.map((rate, i) => rate / rates.alone[i])),
          against: 'alone',
          wanted: 0.95,
        },
      ],
      notes:
        optOuts < DOCS_OPT_OUTS
          ? [`A short run: --opt-outs ${DOCS_OPT_OUTS} is the figure of the docs.`]
          : [],
    };
  } finally {
    script.stop();
    await pipeline.stop();
  }
}

async function cutQueue({ pipeline, db, progress, optOuts, isAlone }) {
  const connectors = {
    scim: pidOf(pipeline, 'connector-scim'),
    postgres: pidOf(pipeline, 'connector-postgres'),
  };
  for (const pid of Object.values(connectors)) process.kill(pid, 'SIGSTOP');
  try {
    await bind(db, !isAlone);
    await fill(
      pipeline.ready,
      optOuts,
      progress.stage(isAlone ? 'queued, alone' : 'queued, beside', optOuts),
    );
    const before = await cuts(db);
    const report = progress.stage('cut', optOuts);
    const began = performance.now();
    process.kill(connectors.scim, 'SIGCONT');
    if (!isAlone) process.kill(connectors.postgres, 'SIGCONT');
    for (let done = 0; done < optOuts; done = (await cuts(db)) - before) {
      report(Math.max(1, done));
      await sleep(100);
    }
    return optOuts / ((performance.now() - began) / 1_000);
  } finally {
    for (const pid of Object.values(connectors)) process.kill(pid, 'SIGCONT');
  }
}

/** New opt-outs of the tenant concern the dead instance or not. */
async function bind(db, isBound) {
  if (isBound)
    await db.query(
      `insert into binding (tenant, instance, match) values ('acme', 'postgres', '{"by": "userName"}') on conflict do nothing`,
    );
  else {
    await db.query(`delete from binding_waiver where instance = 'postgres'`);
    await db.query(`delete from binding where instance = 'postgres'`);
  }
}

const cuts = async db =>
  Number(
    (
      await rows(
        db,
        `select count(*) as n from work_item where instance = 'scim' and stage = 'cut' and state = 'done'`,
      )
    )[0].n,
  );

let person = 0;

async function fill({ api }, count, report) {
  let asked = 0;
  let done = 0;
  const sender = async () => {
    while (asked < count) {
      asked += 1;
      const reply = await fetch(`${api.baseUrl}/v1/opt-outs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          tenant: 'acme',
          userName: `queued.${(person += 1)}@acme.example`,
          create: true,
        }),
      });
      if (reply.status !== 202) throw new Error(`an opt-out was answered ${reply.status}`);
      await reply.arrayBuffer();
      report((done += 1));
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}
