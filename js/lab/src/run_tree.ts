import type { Experiment, TreePage, TreeRun } from '@nbtrack/shared/requests';

/** How many runs are asked for at once. */
export const PAGE = 100;

/** A run that goes on, and when this page heard of it. */
interface HeardRun extends TreeRun {
  heard_ms?: number;
}

interface Placed {
  key: string;
  level: number;
  /** The key of the row that this one is inside. */
  inside: string | null;
  /** The place among its siblings, from 1, and how many they are. */
  place: number;
  siblings: number;
}

export interface ExperimentRow extends Placed {
  kind: 'experiment';
  experiment: Experiment;
  expanded: boolean;
  /** How many runs match; null where that is not known yet. */
  matching: number | null;
}

export interface RunRow extends Placed {
  kind: 'run';
  experimentId: string;
  run: HeardRun;
  /** Null where there is nothing to expand. */
  expanded: boolean | null;
}

/** A run that has not been asked for yet. */
export interface GapRow extends Placed {
  kind: 'gap';
  experimentId: string;
  index: number;
}

export type Row = ExperimentRow | RunRow | GapRow;

export const experimentKey = (id: string): string => `experiment:${id}`;
export const runKey = (id: string): string => `run:${id}`;

/** The runs of an experiment, as far as they are known. */
class RunList {
  total: number | null = null;
  readonly top: (TreeRun | undefined)[] = [];
  readonly inside = new Map<string, TreeRun[]>();
  readonly stale = new Set<number>();

  /** Put in the page that begins at `start`: runs in order, nested ones after the run they are inside. */
  put(start: number, page: TreePage): void {
    this.total = page.total;
    this.top.length = page.total;
    const known = new Set(page.runs.map(run => run.run_id));
    const nested = new Map<string, TreeRun[]>();
    let at = start;
    const heard: HeardRun[] = page.runs;
    for (const run of heard) {
      if (run.state === 'RUNNING') run.heard_ms = Date.now();
      if (run.parent_id !== null && known.has(run.parent_id)) {
        const siblings = nested.get(run.parent_id) ?? [];
        siblings.push(run);
        nested.set(run.parent_id, siblings);
      } else this.top[at++] = run;
    }
    for (const run of page.runs) this.inside.delete(run.run_id);
    for (const [id, runs] of nested) this.inside.set(id, runs);
    this.stale.delete(Math.floor(start / PAGE));
  }

  *runs(): Iterable<TreeRun> {
    for (const run of this.top) if (run) yield run;
    for (const runs of this.inside.values()) yield* runs;
  }
}

/** Experiments and their runs, what of them is expanded, and the rows that this makes. */
export class RunTree {
  experiments: Experiment[] = [];
  /** Whether experiments without a run that matches are left out. */
  onlyMatching = false;
  private readonly lists = new Map<string, RunList>();
  private readonly open = new Set<string>();
  private cached: Row[] | null = null;
  private places = new Map<string, number>();

  /** The rows in their order; the same array until something changes. */
  get rows(): readonly Row[] {
    return (this.cached ??= this.build());
  }

  /** Where a row is, or -1. */
  indexOf(key: string | null): number {
    void this.rows;
    return key === null ? -1 : (this.places.get(key) ?? -1);
  }

  row(key: string | null): Row | undefined {
    return this.rows[this.indexOf(key)];
  }

  isOpen(key: string): boolean {
    return this.open.has(key);
  }

  toggle(key: string, open = !this.open.has(key)): void {
    if (open) this.open.add(key);
    else this.open.delete(key);
    this.cached = null;
  }

  setExperiments(experiments: Experiment[]): void {
    this.experiments = experiments;
    this.cached = null;
  }

  put(experimentId: string, start: number, page: TreePage): void {
    let list = this.lists.get(experimentId);
    if (!list) this.lists.set(experimentId, (list = new RunList()));
    list.put(start, page);
    this.cached = null;
  }

  /** Forget all runs, such as when the filter is another. */
  clear(): void {
    this.lists.clear();
    this.cached = null;
  }

  /** Keep showing what is known, but ask again for what is looked at. */
  markStale(): void {
    for (const list of this.lists.values()) {
      const pages = Math.max(1, Math.ceil((list.total ?? 0) / PAGE));
      for (let page = 0; page < pages; page++) list.stale.add(page);
    }
  }

  /** Change a run where it is known, before the server has said so. */
  patch(runId: string, change: Partial<TreeRun>): void {
    for (const list of this.lists.values()) {
      for (const run of list.runs()) if (run.run_id === runId) Object.assign(run, change);
    }
    this.cached = null;
  }

  /** The pages that the rows from `first` to `last` need, by experiment. */
  wanted(first: number, last: number): { experimentId: string; start: number }[] {
    const found = new Map<string, { experimentId: string; start: number }>();
    const want = (experimentId: string, index: number): void => {
      const page = Math.floor(index / PAGE);
      const list = this.lists.get(experimentId);
      const there = list?.total === 0 || list?.top[index] !== undefined;
      if (list && there && !list.stale.has(page)) return;
      found.set(`${experimentId} ${page}`, { experimentId, start: page * PAGE });
    };
    for (const row of this.rows.slice(Math.max(0, first), last + 1)) {
      if (row.kind === 'gap') want(row.experimentId, row.index);
      else if (row.kind === 'run' && row.level === 2) want(row.experimentId, row.place - 1);
      else if (row.kind === 'experiment' && row.expanded) want(row.experiment.experiment_id, 0);
    }
    return [...found.values()];
  }

  run(runId: string): TreeRun | undefined {
    const row = this.row(runKey(runId));
    return row?.kind === 'run' ? row.run : undefined;
  }

  /** The experiment that a row belongs to. */
  experimentOf(row: Row): string {
    return row.kind === 'experiment' ? row.experiment.experiment_id : row.experimentId;
  }

  private build(): Row[] {
    const rows: Row[] = [];
    const shown = this.experiments.filter(
      e => !this.onlyMatching || e.stage === 'deleted' || (this.lists.get(e.experiment_id)?.total ?? 1) > 0
    );
    shown.forEach((experiment, i) => {
      const id = experiment.experiment_id;
      const key = experimentKey(id);
      const list = this.lists.get(id);
      const expanded = this.open.has(key);
      const matching = list?.total ?? null;
      const place = { level: 1, inside: null, place: i + 1, siblings: shown.length };
      rows.push({ kind: 'experiment', key, ...place, experiment, expanded, matching });
      if (expanded) this.addRuns(rows, id, list, experiment.runs);
    });
    this.places = new Map(rows.map((row, at) => [row.key, at]));
    return rows;
  }

  private addRuns(rows: Row[], experimentId: string, list: RunList | undefined, guess: number): void {
    const inside = experimentKey(experimentId);
    const siblings = list?.total ?? Math.min(guess, 3);
    for (let index = 0; index < siblings; index++) {
      const run = list?.top[index];
      const placed = { level: 2, inside, place: index + 1, siblings };
      if (run && list) this.addRun(rows, list, experimentId, run, placed);
      else rows.push({ kind: 'gap', key: `gap:${experimentId}:${index}`, ...placed, experimentId, index });
    }
  }

  private addRun(rows: Row[], list: RunList, experimentId: string, run: TreeRun, placed: Omit<Placed, 'key'>): void {
    const key = runKey(run.run_id);
    const nested = list.inside.get(run.run_id) ?? [];
    const expanded = nested.length > 0 ? this.open.has(key) : null;
    rows.push({ kind: 'run', key, ...placed, experimentId, run, expanded });
    if (!expanded) return;
    nested.forEach((child, i) => {
      const place = { level: placed.level + 1, inside: key, place: i + 1, siblings: nested.length };
      this.addRun(rows, list, experimentId, child, place);
    });
  }
}
