/** Something that `sever up` keeps running. */
export type Handle = {
  pid: number;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Ends it in order; resolves when it is gone. */
  stop(): Promise<void>;
};

export type Service = {
  name: string;
  /** Starts it and resolves when it is healthy. */
  start(): Promise<Handle>;
};

export type SupervisorEvents = {
  /** A pid is new or changed. */
  onChange: () => void;
  onLog: (line: string) => void;
};

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 10_000;
/** A process that lived this long was fine: the next death starts the backoff anew. */
const STABLE_MS = 30_000;

/** Keeps services running in the order in which they were added; stops them in reverse. */
export class Supervisor {
  private readonly running = new Map<string, Handle>();
  private readonly order: string[] = [];
  private stopping = false;

  constructor(private readonly events: SupervisorEvents) {}

  /** Starts a service for the first time; rejects when it cannot be started. */
  async add(service: Service): Promise<void> {
    this.order.push(service.name);
    const handle = await service.start();
    this.watch(service, handle, Date.now(), 0);
  }

  processes(): { name: string; pid: number }[] {
    return this.order.flatMap(name => {
      const handle = this.running.get(name);
      return handle ? [{ name, pid: handle.pid }] : [];
    });
  }

  /** Stops groups of services one after the other, the members of a group together. */
  async stop(groups: readonly (readonly string[])[]): Promise<void> {
    this.stopping = true;
    for (const group of groups) await Promise.all(group.map(async name => this.running.get(name)?.stop()));
  }

  private watch(service: Service, handle: Handle, since: number, failures: number): void {
    this.running.set(service.name, handle);
    this.events.onChange();
    void handle.exited.then(({ code, signal }) => {
      // It stays listed under its last pid until its successor is healthy.
      if (this.stopping) return;
      this.events.onLog(`${service.name} ended (${signal ?? code}) and is started again; its log says why`);
      const next = Date.now() - since > STABLE_MS ? 0 : failures;
      setTimeout(
        () => void this.restart(service, next),
        Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** next),
      );
    });
  }

  private async restart(service: Service, failures: number): Promise<void> {
    if (this.stopping) return;
    try {
      const handle = await service.start();
      this.watch(service, handle, Date.now(), failures + 1);
    } catch (error) {
      this.events.onLog(
        `${service.name} could not be started: ${error instanceof Error ? error.message : String(error)}`,
      );
      if (!this.stopping)
        setTimeout(
          () => void this.restart(service, failures + 1),
          Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures),
        );
    }
  }
}
