import type { Backend } from './backend';
import { asF64 } from './binary';

const POINTS = 24;
const MAX_KEPT = 5000;

/** The curves of the rows on the screen, asked for once the rows stand. */
export class CurveCache {
  private readonly kept = new Map<string, Float64Array | null>();
  private readonly stale = new Set<string>();
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private asking = false;

  constructor(
    private readonly backend: Backend,
    private readonly onCurves: () => void
  ) {}

  get(runId: string, key: string): Float64Array | null | undefined {
    return this.kept.get(`${runId} ${key}`);
  }

  /** Ask again for all, and show what there was until then. */
  forget(): void {
    for (const name of this.kept.keys()) this.stale.add(name);
  }

  want(runIds: readonly string[], keys: readonly string[]): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => void this.fetch(runIds, keys), 60);
  }

  private async fetch(runIds: readonly string[], keys: readonly string[]): Promise<void> {
    const missing = (id: string): boolean =>
      keys.some(key => !this.kept.has(`${id} ${key}`) || this.stale.has(`${id} ${key}`));
    const ids = runIds.filter(missing);
    if (ids.length === 0) return;
    if (this.asking) return this.want(runIds, keys);
    this.asking = true;
    try {
      const { body, buffers } = await this.backend.ask('table.curves', { run_ids: ids, keys, points: POINTS });
      const values = asF64(buffers[0]);
      if (this.kept.size > MAX_KEPT) this.kept.clear();
      body.run_ids.forEach((id, i) =>
        body.keys.forEach((key, k) => {
          const from = (i * body.keys.length + k) * body.points;
          const curve = values.slice(from, from + body.points);
          this.kept.set(`${id} ${key}`, curve.some(value => !Number.isNaN(value)) ? curve : null);
          this.stale.delete(`${id} ${key}`);
        })
      );
      this.onCurves();
    } catch {
      // a table without small curves is still a table; the rows say what is wrong
    } finally {
      this.asking = false;
    }
  }
}
