/** The answers of the server's questions `store.*` and `run.*`, as the sidebar and the details read them. */
import type { RunModel } from './model_answers';
import type { RunState, SinceDetail, SinceItem } from './protocol';

export type Stage = 'active' | 'archived' | 'deleted';

/** A store that the server knows. */
export interface StoreInfo {
  id: string;
  name: string;
  path: string;
  source: 'folder' | 'kernel' | 'setting';
  running: number;
  error: string | null;
}

export interface Experiment {
  experiment_id: string;
  name: string;
  stage: string;
  runs: number;
  running: number;
  last_ms: number | null;
  note: string | null;
}

export interface Experiments {
  experiments: Experiment[];
}

export interface Spark {
  key: string;
  values: (number | null)[];
}

/** A run in the tree. */
export interface TreeRun {
  run_id: string;
  name: string;
  state: RunState;
  stage: string;
  start_ms: number | null;
  duration_s: number | null;
  last_step: number | null;
  parent_id: string | null;
  children: number;
  spark: Spark | null;
  archived: boolean;
  /** Of an interrupted run: that the user takes it as it is. */
  kept: boolean;
  note: string | null;
  /** How a run ended that nobody has ended, or that a running one shows no sign of life, in words. */
  ending: string | null;
  /** When this page heard of it; of runs that go on. */
  heard_ms?: number;
}

export interface TreePage {
  total: number;
  runs: TreeRun[];
}

export interface RunLink {
  run_id: string;
  name: string;
  state?: RunState;
}

export interface RunFacts {
  run_id: string;
  name: string;
  experiment_id: string;
  experiment: string;
  state: RunState;
  stage: string;
  archived: boolean;
  start_ms: number | null;
  end_ms: number | null;
  duration_s: number | null;
  user: string | null;
  last_step: number | null;
  error: string | null;
  kept: boolean;
  ending: string | null;
  note: string | null;
  parent: RunLink | null;
  children: RunLink[];
}

export interface MetricFacts {
  key: string;
  last: number | null;
  min: number | null;
  max: number | null;
  step: number | null;
  count: number;
  spark: (number | null)[];
}

export interface DatasetFacts {
  name: string;
  digest: string;
  context: string | null;
  source: unknown;
  profile: unknown;
}

export interface Environment {
  python?: string | null;
  platform?: string | null;
  packages?: [name: string, version: string][];
  git?: { commit?: string | null; branch?: string | null; dirty?: boolean | null; repo?: string | null; changed?: string[] } | null;
  [more: string]: unknown;
}

export interface Badge {
  text: string;
  kind: string;
  detail?: string;
}

/** What is different from the run before. */
export interface Since extends RunLink {
  items: SinceItem[];
  detail: SinceDetail;
}

/** Everything that is known of a run. */
export interface Details {
  run: RunFacts;
  params: [key: string, value: string][];
  tags: [key: string, value: string][];
  metrics: MetricFacts[];
  datasets: DatasetFacts[];
  environment: Environment;
  source: { text: string; execution_count: number | null } | null;
  badges: Badge[];
  models: RunModel[];
  since: Since | null;
}

export interface ArtifactFile {
  path: string;
  is_dir: boolean;
  size: number | null;
}

export interface Artifacts {
  files: ArtifactFile[];
}

export interface Preview {
  kind: 'image' | 'text' | 'table' | 'json' | 'html' | 'none';
  mime: string;
  text?: string;
  columns?: string[];
  rows?: unknown[][];
  truncated?: boolean;
}

/** A cell of the notebook that a run came from. */
export interface SourceCell {
  source: string;
  why: string;
}

export interface Source {
  /** In the order of execution; the last one is the cell of the run. */
  cells: SourceCell[];
  /** The cell of the run, so that it goes on with the run. */
  resume: string | null;
  /** How many cells, the earliest, were too long to keep. */
  left_out?: number;
  /** Names that no earlier cell defines. */
  missing?: string[];
}

export interface Loading {
  code: string;
}
