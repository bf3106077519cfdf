import { setTimeout as sleep } from 'node:timers/promises';
import type { Pipeline } from '../../../harness/pipeline.js';
import type { Random } from '../simulation/random.js';

/** Processes whose death or sleep nobody may notice in the outcome. */
const VICTIMS = [
  'scim-ingress',
  'connector-scim',
  'connector-postgres',
  'coordinator',
  'projector',
  'relay',
  'postgres',
  'target-scim',
  'target-postgres',
];

type Deed = { name: string; deed: 'kill' | 'stall' };

/** Kills and stalls random processes until told to stop. Which and when follows from the seed. */
export class Nemesis {
  kills = 0;
  stalls = 0;
  readonly log: string[] = [];
  private round: Deed[] = [];
  private readonly stalled = new Map<number, Promise<void>>();

  constructor(
    private readonly pipeline: Pipeline,
    private readonly random: Random,
  ) {}

  async run(untilMs: number): Promise<void> {
    while (Date.now() < untilMs) {
      await sleep(1_500 + this.random.int(2_500));
      const { name, deed } = this.next();
      const pid = this.pipeline.current().processes.find(p => p.name === name)?.pid;
      if (pid === undefined) continue;
      if (deed === 'kill') this.kill(name, pid);
      else this.stall(name, pid, 1_000 + this.random.int(4_000));
    }
    await Promise.all(this.stalled.values());
  }

  /** In rounds: everything happens to everybody once, in random order, before anything happens again. */
  private next(): Deed {
    if (this.round.length === 0) {
      const names = this.pipeline.current().processes.map(p => p.name);
      this.round = VICTIMS.filter(name => names.includes(name)).flatMap(name => [
        { name, deed: 'kill' as const },
        { name, deed: 'stall' as const },
      ]);
    }
    const [deed] = this.round.splice(this.random.int(this.round.length), 1);
    if (!deed) throw new Error('the pipeline has no process to disturb');
    return deed;
  }

  private kill(name: string, pid: number): void {
    if (!signal(pid, 'SIGKILL')) return;
    this.kills += 1;
    this.log.push(`${clock()} kill ${name}`);
  }

  private stall(name: string, pid: number, ms: number): void {
    if (this.stalled.has(pid) || !signal(pid, 'SIGSTOP')) return;
    this.stalls += 1;
    this.log.push(`${clock()} stall ${name} for ${ms} ms`);
    this.stalled.set(
      pid,
      sleep(ms).then(() => {
        signal(pid, 'SIGCONT');
        this.stalled.delete(pid);
      }),
    );
  }
}

/** Time of day, to find the moment in logs. */
const clock = (): string => new Date().toISOString().slice(11, 23);

/** @returns false when the process is gone */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
