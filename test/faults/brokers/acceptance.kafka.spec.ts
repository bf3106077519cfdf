import { jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../harness/clients.js';
import type { Pipeline } from '../../harness/pipeline.js';
import { describeOptOuts } from '../../pipeline/describe-opt-outs.js';
import { Site } from './site.js';

jest.setTimeout(600_000);

const BETWEEN_MS = 3_000;
const BROKERS = 3;

/** Kills one broker after the other, each when the one before is back. */
function killInTurn(pipeline: Pipeline): () => Promise<void> {
  const site = new Site(pipeline, () => Promise.reject(new Error('nobody joins here')));
  let isOver = false;
  let kills = 0;
  const killing = (async () => {
    for (let id = 1; !isOver || kills < BROKERS; id = (id % BROKERS) + 1) {
      await site.replace(`kafka-${id}`, 'SIGKILL');
      await site.wholeCluster();
      kills += 1;
      await sleep(BETWEEN_MS);
    }
  })();
  killing.catch(() => undefined);
  return async () => {
    isOver = true;
    await killing;
    await eventually('all brokers', () => site.roles.isWhole([]));
  };
}

const options = ['--profile', 'kafka', '--brokers-local', String(BROKERS)];

describeOptOuts('an opt-out on three brokers, while one after the other is killed', {
  ...{ options, disturb: killInTurn, patienceMs: 180_000 },
});
