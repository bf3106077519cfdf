import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

const requirements = path.join(import.meta.dirname, 'requirements.txt');

/** What a command printed and how it ended. */
export type Ran = { status: number; stdout: string; stderr: string };

/** The tools of `requirements.txt` in an environment of their own. */
export type PythonTools = {
  /** Runs one of them; secrets go through `env`, where nobody else on the machine reads them. */
  run(name: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
};

/**
 * Installs the tools once per set of versions, in the cache folder of the user.
 * @throws Error when there is no Python 3.10 or newer, or the tools cannot be had: a suite that needs them fails and is never skipped
 */
export async function pythonTools(): Promise<PythonTools> {
  const version = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'sever');
  const home = path.join(cache, `conformance-${version}`);
  if (!existsSync(path.join(home, 'complete'))) await install(home);
  return { run: (name, args, env) => ran(path.join(home, 'bin', name), args, env) };
}

/** A half-made environment never counts as one: the marker comes last. Scripts name their own folder, so it is made in place. */
async function install(home: string): Promise<void> {
  mkdirSync(path.dirname(home), { recursive: true });
  if (existsSync(home)) {
    const stale = `${home}.${process.pid}`;
    renameSync(home, stale);
    rmSync(stale, { recursive: true, force: true });
  }
  await must('python3', ['-m', 'venv', home]);
  await must(path.join(home, 'bin', 'pip'), [
    'install',
    '--quiet',
    '--no-input',
    '--requirement',
    requirements,
  ]);
  writeFileSync(path.join(home, 'complete'), '');
}

async function must(command: string, args: readonly string[]): Promise<void> {
  const { status, stderr } = await ran(command, args);
  if (status !== 0)
    throw new Error(
      `the conformance tools need Python 3.10 or newer with venv and pip: ${command} ${args.join(' ')}: ${stderr}`,
    );
}

function ran(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise(resolve => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    execFile(command, args, options, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : 127) : 0;
      resolve({ status, stdout, stderr: status === 127 ? (error?.message ?? '') : stderr });
    });
  });
}
