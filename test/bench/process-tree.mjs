import { readFileSync, readdirSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

const read = file => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The process ended meanwhile.
    return '';
  }
};

/** Fields of /proc/PID/stat after the command, which may hold anything: state, ppid, … utime is the 12th, stime the 13th. */
const statOf = pid => read(`/proc/${pid}/stat`).split(') ').at(-1).split(' ');

/** A process and everything it started. */
export function treeOf(pid) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(name)[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = id => [id, ...(children.get(id) ?? []).flatMap(below)];
  return below(pid);
}

/** Memory in bytes: `pss` counts shared pages by share, `shared` is the part of it that is shared memory (buffers of PostgreSQL). */
export function memoryOf(pids) {
  const sum = { pss: 0, shared: 0, rss: 0 };
  for (const pid of pids) {
    const rollup = read(`/proc/${pid}/smaps_rollup`);
    const value = name => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1_024;
    sum.pss += value('Pss');
    sum.shared += value('Pss_Shmem');
    sum.rss += value('Rss');
  }
  return sum;
}

/** Processor time of processes so far, in seconds. */
export function cpuSeconds(pids) {
  let ticks = 0;
  for (const pid of pids) {
    const stat = statOf(pid);
    ticks += Number(stat[11] ?? 0) + Number(stat[12] ?? 0);
  }
  return ticks / TICKS_PER_SECOND;
}
