import { KafkaClusterError } from './kafka-cluster-error.js';
import { spawnBroker, startFailure, type BrokerExit, type BrokerProcess } from './node/broker-process.js';
import type { NodeLayout } from './node/layout.js';
import type { NodeFolder } from './node/node-folder.js';
import { isFree } from './node/ports.js';

/** One broker of a local cluster; its port and its data stay the same however often it is started. */
export class ClusterNode {
  readonly id: number;
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  private running: BrokerProcess | undefined;

  constructor(
    private readonly layout: NodeLayout,
    private readonly folder: NodeFolder,
    private readonly classPath: string,
    private readonly waitUntilReady: (alive: () => void) => Promise<void>,
    private readonly waitUntilJoined: (alive: () => void) => Promise<void>,
  ) {
    this.id = layout.id;
    this.port = layout.port;
  }

  /** Of the Java process; of the last one while none runs. */
  get pid(): number {
    return this.running?.pid ?? 0;
  }

  /** Resolves when the process that runs now has ended. */
  get exited(): Promise<BrokerExit> {
    return this.running?.exited ?? Promise.resolve({ code: null, signal: null });
  }

  /**
   * Starts the broker and waits until the whole cluster is ready again. Only call it while the broker is down.
   * @throws KafkaClusterError `kafka.port-taken`, `kafka.start-failed`, `kafka.not-ready`
   */
  async start(): Promise<void> {
    const alive = await this.launch();
    await this.waitUntilReady(alive);
  }

  /**
   * Starts the broker and waits until it is part of the cluster again, without a time limit and whatever the others do: what a
   * supervisor of each broker needs. Only call it while the broker is down.
   * @throws KafkaClusterError `kafka.port-taken`, `kafka.start-failed`
   */
  async rejoin(): Promise<void> {
    const alive = await this.launch();
    await this.waitUntilJoined(alive);
  }

  /** Starts the process only. The result throws `kafka.start-failed` once the process has ended. */
  async launch(): Promise<() => void> {
    for (const port of [this.layout.port, this.layout.internalPort, this.layout.controllerPort])
      if (!(await isFree(port)))
        throw new KafkaClusterError(
          'kafka.port-taken',
          `port ${port} of broker ${this.id} is in use; stop what uses it, or start the whole cluster again for other ports`,
        );
    const started = spawnBroker(this.folder, this.classPath);
    this.running = started;
    let ended: BrokerExit | undefined;
    void started.exited.then(exit => (ended = exit));
    return () => {
      if (ended) throw startFailure(this.folder, ended);
    };
  }

  /** Controlled shutdown; by force after some seconds. */
  async stop(): Promise<void> {
    await this.running?.stop();
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.running?.signal('SIGKILL');
    await this.running?.exited;
  }

  /** Freezes the process (SIGSTOP): its connections stay open and nothing answers. */
  pause(): void {
    this.running?.signal('SIGSTOP');
  }

  /** Lets a paused process go on (SIGCONT). */
  resume(): void {
    this.running?.signal('SIGCONT');
  }
}
