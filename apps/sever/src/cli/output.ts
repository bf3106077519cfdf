import { EXIT, SeverError, type ExitStatus } from '../sever-error.js';

/** Flags that every command takes. */
export type CommonFlags = { data: string; json?: boolean };

/** One JSON document for machines, or what `forPeople` makes of it. */
export function print<T>(flags: CommonFlags, value: T, forPeople: (value: T) => string): void {
  process.stdout.write(`${flags.json ? JSON.stringify(value) : forPeople(value)}\n`);
}

/** Runs a command: its exit status, and its errors on standard error with their code. */
export async function guarded(work: () => Promise<ExitStatus | undefined>): Promise<void> {
  try {
    process.exitCode = (await work()) ?? EXIT.ok;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`sever: ${message} (${codeOf(error)})\n`);
    process.exitCode = error instanceof SeverError ? error.exit : EXIT.no;
  }
}

/** Every part of Sever puts its stable code on its errors; what comes from elsewhere may have one too. */
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'failed';

/** A line that is drawn over while work goes on; silent where nobody looks. */
export function progressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}

export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
}
