import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

/** One stored resource, or its removal. */
export type Entry<T> = { id: string; value: T | null };

/** Durable map in a journal of JSON lines: read at start, compacted once, appended with fsync. */
export class Journal<T extends object> {
  private readonly values = new Map<string, T>();
  private readonly fd: number;

  constructor(file: string) {
    if (existsSync(file)) for (const line of readFileSync(file, 'utf8').split('\n')) this.replay(line);
    const partial = `${file}.new`;
    writeFileSync(
      partial,
      [...this.values].map(([id, value]) => `${JSON.stringify({ id, value })}\n`).join(''),
      { mode: 0o600, flush: true },
    );
    renameSync(partial, file);
    this.fd = openSync(file, 'a');
  }

  all(): T[] {
    return [...this.values.values()];
  }

  get(id: string): T | undefined {
    return this.values.get(id);
  }

  set(id: string, value: T): void {
    this.append({ id, value });
    this.values.set(id, value);
  }

  delete(id: string): void {
    this.append({ id, value: null });
    this.values.delete(id);
  }

  close(): void {
    closeSync(this.fd);
  }

  private append(entry: Entry<T>): void {
    writeSync(this.fd, `${JSON.stringify(entry)}\n`);
    fsyncSync(this.fd);
  }

  /** A line that a crash cut off was never acknowledged. */
  private replay(line: string): void {
    try {
      const { id, value } = JSON.parse(line) as Entry<T>;
      if (value === null) this.values.delete(id);
      else this.values.set(id, value);
    } catch {
      // Incomplete last line.
    }
  }
}
