import { readFileSync } from 'node:fs';

/** Field of /proc/PID/stat after the command name that holds the start time. */
const START_TIME_FIELD = 19;

/** When a process started, as the kernel counts; undefined when it is gone. Empty where the system does not tell. */
export function startTimeOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : (fields[START_TIME_FIELD] ?? '');
  } catch {
    return '';
  }
}

/** Whether a recorded process still runs: pids are used again, pid and start time are not. */
export function isSameProcess(pid: number, started: string): boolean {
  const now = startTimeOf(pid);
  return now !== undefined && (now === '' || started === '' || now === started);
}
