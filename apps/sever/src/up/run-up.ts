import { endWithParent } from '@sever/config';
import { EXIT, type ExitStatus } from '../sever-error.js';
import { DataFolder } from './data-folder.js';
import { Pipeline } from './pipeline.js';
import { endSurvivors, recordProcesses } from './process-record.js';
import { removeReadyFile, writeReadyFile, type ReadyFile } from './ready-file.js';
import { Supervisor } from './supervised.js';
import type { UpOptions } from './up-options.js';

const STOP_TIMEOUT_MS = 14_000;

/** Runs the pipeline in the foreground until SIGINT or SIGTERM. */
export async function runUp(options: UpOptions): Promise<ExitStatus> {
  const say = (line: string): void => void process.stderr.write(`sever: ${line}\n`);
  const folder = DataFolder.open(options.dataDir);
  const record = folder.file('processes.json');
  const readyFiles = [
    folder.file('run.json'),
    ...(options.readyFile === undefined ? [] : [options.readyFile]),
  ];
  removeReadyFile(readyFiles);
  const survivors = await endSurvivors(record);
  if (survivors.length > 0) say(`ended what an earlier run left behind: ${survivors.join(', ')}`);

  let known: Omit<ReadyFile, 'processes'> | undefined;
  const supervisor = new Supervisor({
    onLog: say,
    onChange: () => {
      recordProcesses(record, supervisor.processes());
      if (known) writeReadyFile(readyFiles, { ...known, processes: supervisor.processes() });
    },
  });
  const pipeline = new Pipeline(folder, options, supervisor, say);
  const stopped = untilSignal();
  endWithParent();
  const began = performance.now();
  try {
    const started = await Promise.race([pipeline.start(), stopped.then(() => undefined)]);
    if (started) {
      known = started;
      const ready: ReadyFile = { ...known, processes: supervisor.processes() };
      writeReadyFile(readyFiles, ready);
      if (options.json) process.stdout.write(`${JSON.stringify(ready)}\n`);
      say(
        `ready after ${((performance.now() - began) / 1_000).toFixed(1)} s: ${ready.api.baseUrl} (data in ${folder.dir})`,
      );
      await stopped;
    }
    return EXIT.ok;
  } finally {
    say('stopping');
    await Promise.race([
      pipeline.stop(),
      new Promise(resolve => setTimeout(resolve, STOP_TIMEOUT_MS).unref()),
    ]);
    removeReadyFile(readyFiles);
    folder.unlock();
  }
}

function untilSignal(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}
