import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Only what Node 20 has: this runs before anything is installed.
export const root = fileURLToPath(new URL('..', import.meta.url));
const marker = path.join(root, 'node_modules', '.sever-installed');
const MINIMUM = [24, 15];
const CALLER_CHECK_MS = 250;

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');

/** Says something to people; standard output belongs to machines. */
export const say = text => process.stderr.write(`sever: ${text}\n`);

/** Installs what the lockfile names unless that was done already. */
export function ensureInstalled() {
  if (existsSync(marker) && readFileSync(marker, 'utf8') === lockHash() && existsSync(pinnedNode())) return;
  say('installing dependencies (once)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (run.status !== 0) fail('npm ci failed; its output is above');
  mkdirSync(path.dirname(marker), { recursive: true });
  writeFileSync(marker, lockHash());
}

const pinnedNode = () =>
  path.join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** The Node that the apps need: the pinned one, or the current one when it is new enough. */
export function nodeBinary() {
  if (existsSync(pinnedNode())) return pinnedNode();
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return process.execPath;
  return fail(
    `Node ${MINIMUM.join('.')} or newer is needed and the pinned one is missing: npm did not run its install script. ` +
      'Run "npm rebuild node" (npm 12: "npm install-scripts approve node" first), or use a newer Node',
  );
}

const builtMarker = path.join(root, 'node_modules', '.sever-built');
/** What a package is built from, besides the settings at the root. */
const SOURCES = ['src', 'package.json'];

/** Every source file with its size and the time of its last change, as one digest; undefined when something was never built. */
function sourcesDigest() {
  const digest = createHash('sha256');
  const files = ['.swcrc', 'nx.json', 'package-lock.json'].map(name => path.join(root, name));
  for (const folder of ['libs', 'apps'])
    for (const name of readdirSync(path.join(root, folder))) {
      const project = path.join(root, folder, name);
      if (!existsSync(path.join(project, 'dist'))) return undefined;
      for (const source of SOURCES) files.push(...filesBelow(path.join(project, source)));
    }
  for (const file of files) {
    const { mtimeMs, size } = statSync(file);
    digest.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return digest.digest('hex');
}

function filesBelow(entry) {
  if (!statSync(entry).isDirectory()) return [entry];
  const names = readdirSync(entry, { recursive: true, withFileTypes: true });
  return names.filter(name => name.isFile()).map(name => path.join(name.parentPath ?? name.path, name.name));
}

/**
 * Builds what is stale. When nothing is, nothing is touched: nx would take each output away and put it back from its cache, under
 * the feet of whatever runs from it.
 */
export function ensureBuilt() {
  const built = existsSync(builtMarker) ? readFileSync(builtMarker, 'utf8') : undefined;
  if (built !== undefined && built === sourcesDigest()) return;
  const nx = path.join(root, 'node_modules/nx/dist/bin/nx.js');
  const bin = existsSync(nx) ? nx : path.join(root, 'node_modules/nx/bin/nx.js');
  const run = spawnSync(nodeBinary(), [bin, 'run-many', '-t', 'build', '--outputStyle=static'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...environment(), NX_DAEMON: 'false' },
  });
  if (run.status !== 0) fail(`the build failed:\n${run.stdout}${run.stderr}`);
  writeFileSync(builtMarker, sourcesDigest() ?? '');
}

/** The environment of a child that must find the pinned Node first. */
export function environment(extra = {}) {
  const bin = path.join(root, 'node_modules/.bin');
  return {
    ...process.env,
    PATH: `${path.dirname(nodeBinary())}${path.delimiter}${bin}${path.delimiter}${process.env.PATH ?? ''}`,
    ...extra,
  };
}

/** For programs that watch the pipe which {@link runAndExit} gives them. Not for those that start others: they would pass it on. */
export const ENDS_WITH_CALLER = { SEVER_PARENT_FD: '3' };

/** Runs a program in the foreground and ends with its status; signals are passed on. */
export function runAndExit(args, extra = {}) {
  const child = spawn(nodeBinary(), args, {
    cwd: process.cwd(),
    // The pipe ends when this process does, however it ends; a program that is told of it by ENDS_WITH_CALLER stops in order.
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: environment(extra),
  });
  child.stdio[3].on('error', () => undefined);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event !== undefined) endWithCaller(() => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

/** When npm is killed this process would be left behind. Signals that npm passes on arrive anyway: its scripts say `exec`. */
function endWithCaller(end) {
  const caller = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === caller) return;
    clearInterval(timer);
    end();
  }, CALLER_CHECK_MS);
  timer.unref();
}

export function fail(message) {
  say(message);
  process.exit(1);
}
