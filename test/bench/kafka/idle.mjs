import { setTimeout as sleep } from 'node:timers/promises';
import { startPipeline } from '../pipeline.mjs';
import { cpuSeconds, treeOf } from '../process-tree.mjs';

const WANTED_PERCENT = 2;

/** Processor time of each process of the Kafka profile while nothing happens, with its children, in percent of one core. */
export async function kafkaIdle(progress, { brokers = 1, settle = 20, idle = 60 } = {}) {
  progress('the pipeline starts');
  const pipeline = await startPipeline(['--profile', 'kafka', '--brokers-local', String(brokers)]);
  try {
    const { processes } = pipeline.ready;
    progress(`it settles for ${settle} s`);
    await sleep(settle * 1_000);
    const before = new Map(processes.flatMap(({ pid }) => treeOf(pid)).map(pid => [pid, cpuSeconds([pid])]));
    const began = performance.now();
    const report = progress.stage('s of idling', idle);
    for (let s = 1; s <= idle; s += 1) {
      await sleep(Math.max(0, began + s * 1_000 - performance.now()));
      if (s % 10 === 0) report(s);
    }
    const elapsed = (performance.now() - began) / 1_000;
    return {
      name: 'kafka-idle',
      unit: '% of a core',
      rows: processes.map(({ name, pid }) => {
        // A child that ended meanwhile is forgotten, one that came counts whole.
        const used = treeOf(pid).reduce((sum, id) => sum + cpuSeconds([id]) - (before.get(id) ?? 0), 0);
        const value = (used / elapsed) * 100;
        return {
          ...{ what: `${name}, idle for ${idle} s`, value },
          ...{ ratio: value / WANTED_PERCENT, against: `${WANTED_PERCENT} % (at most)`, wanted: 1 },
        };
      }),
      notes: ['The brokers are Java, listed with the rest; a cluster of your own is not part of it.'],
    };
  } finally {
    await pipeline.stop();
  }
}
