import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Stores } from '../security/certificates.js';
import { writeAtomically } from '../write-atomically.js';
import type { Layout, NodeLayout } from './layout.js';
import { logProperties } from './log-properties.js';
import { serverProperties } from './server-properties.js';

/** Files of one node below the cluster's data folder. */
export type NodeFolder = {
  dir: string;
  properties: string;
  logProperties: string;
  /** What the broker logs. */
  serverLog: string;
  /** What the Java machine itself writes. */
  consoleLog: string;
  /** Pid of the running broker, so that the next start finds one that was left behind. */
  pidFile: string;
};

/** Where a node's files are, whether they exist or not. */
export function nodeFolder(dataDir: string, id: number): NodeFolder {
  const dir = path.join(path.resolve(dataDir), `node-${id}`);
  return {
    dir,
    properties: path.join(dir, 'server.properties'),
    logProperties: path.join(dir, 'log4j2.properties'),
    serverLog: path.join(dir, 'server.log'),
    consoleLog: path.join(dir, 'console.log'),
    pidFile: path.join(dir, 'broker.pid'),
  };
}

/** Makes a node's folder and writes its settings anew: ports may have changed. */
export function writeNodeFolder(
  dataDir: string,
  layout: Layout,
  node: NodeLayout,
  stores: Stores | undefined,
  settings: Readonly<Record<string, string>> = {},
): NodeFolder {
  const folder = nodeFolder(dataDir, node.id);
  mkdirSync(folder.dir, { recursive: true, mode: 0o700 });
  writeAtomically(folder.properties, serverProperties(layout, node, folder.dir, stores, settings));
  writeAtomically(folder.logProperties, logProperties(folder.serverLog));
  return folder;
}
