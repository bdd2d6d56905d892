import type { Backend } from '../backend';

/** So many pictures, and so many bytes of them, stay at hand. */
const MOST = 400;
const MOST_BYTES = 150_000_000;
/** A server reads so many at a time for one view. */
const AT_ONCE = 4;

interface Held {
  url: string;
  bytes: number;
}
interface Job {
  run: string;
  path: string;
  wanted(): boolean;
  done(url: string | null): void;
  failed(error: unknown): void;
}

/**
 * Pictures of runs as addresses for `<img>`, read when they are wanted.
 *
 * What was asked for last comes first, and what nobody wants any more when its turn comes is not read at all:
 * so a slider that is dragged over a hundred steps reads a few of them.
 */
export class Pictures {
  private readonly held = new Map<string, Held>();
  private readonly jobs: Job[] = [];
  private bytes = 0;
  private running = 0;
  private disposed = false;

  constructor(private readonly backend: Backend) {}

  /** The address of a picture that is at hand. */
  get(run: string, path: string): string | null {
    const key = `${run}/${path}`;
    const found = this.held.get(key);
    if (!found) return null;
    this.held.delete(key); // the one that was used last is given up last
    this.held.set(key, found);
    return found.url;
  }

  /**
   * Read a picture; null where it is no longer wanted when its turn comes.
   *
   * Rejects where there is nothing to show, with the reason.
   */
  read(run: string, path: string, wanted: () => boolean): Promise<string | null> {
    const found = this.get(run, path);
    if (found) return Promise.resolve(found);
    return new Promise((done, failed) => {
      this.jobs.push({ run, path, wanted, done, failed });
      this.next();
    });
  }

  dispose(): void {
    this.disposed = true;
    for (const { done } of this.jobs.splice(0)) done(null);
    for (const { url } of this.held.values()) URL.revokeObjectURL(url);
    this.held.clear();
  }

  private next(): void {
    while (this.running < AT_ONCE) {
      const job = this.jobs.pop();
      if (!job) return;
      const found = this.get(job.run, job.path);
      if (found || !job.wanted()) job.done(found);
      else void this.run(job);
    }
  }

  private async run(job: Job): Promise<void> {
    this.running++;
    try {
      const { body, buffers } = await this.backend.ask('run.preview', { run_id: job.run, path: job.path });
      const [data] = buffers;
      if (body.kind !== 'image' || !data) throw new Error(body.text ?? 'This file is no image.');
      job.done(this.keep(job, new Blob([data as DataView<ArrayBuffer>], { type: body.mime })));
    } catch (error) {
      job.failed(error);
    } finally {
      this.running--;
      this.next();
    }
  }

  private keep({ run, path }: Job, picture: Blob): string | null {
    if (this.disposed) return null;
    const key = `${run}/${path}`;
    const before = this.held.get(key);
    if (before) return before.url;
    const url = URL.createObjectURL(picture);
    this.held.set(key, { url, bytes: picture.size });
    this.bytes += picture.size;
    for (const [oldest, { url: old, bytes }] of this.held) {
      if (oldest === key || (this.held.size <= MOST && this.bytes <= MOST_BYTES)) break;
      URL.revokeObjectURL(old); // an image that shows it has it already
      this.held.delete(oldest);
      this.bytes -= bytes;
    }
    return url;
  }
}
