import type { Brush, ComparisonWidgetState } from './protocol_comparison';
import type { ModelCardState, ModelView } from './protocol_models';
import type { RunTableState } from './protocol_table';
import type { Column, ComparedKey, DiffEnvironment, DiffRun, Importance, RunRef, RunState, RunDiffDetail, RunDiffItem, SortKey } from './requests';

/**
 * What Python and the browser say to each other.
 *
 * `WIDGETS` names the synced traits and the types of the messages of every widget. It is plain JSON, and a
 * Python test compares it with the classes in `nbtrack.views.widgets`; below, the compiler compares it
 * with the interfaces.
 */
export const WIDGETS = {
  "View": {
    "traits": ["store_id", "entry", "bundle", "bundle_hash"],
    "from_python": ["answer", "failed", "bundle"],
    "from_browser": ["ask", "bundle"]
  },
  "MetricChart": {
    "traits": ["runs", "content", "title", "x", "smoothing", "log_x", "log_y"],
    "from_python": ["append"],
    "from_browser": ["resync"]
  },
  "RunCard": {
    "traits": ["runs", "content", "title", "x", "smoothing", "log_x", "log_y", "head", "since", "detail", "stoppable"],
    "from_python": ["append", "finished"],
    "from_browser": ["resync", "finish", "stop"]
  },
  "RunTable": {
    "traits": ["experiment_ids", "editable", "all_columns", "columns", "filter", "sort", "group", "stage", "preferences", "selected_ids", "first", "error"],
    "from_python": [],
    "from_browser": []
  },
  "Comparison": {
    "traits": ["experiment_ids", "run_ids", "filter", "metric", "columns", "selected_ids", "brushes", "revision"],
    "from_python": [],
    "from_browser": []
  },
  "ModelCard": {
    "traits": ["facts", "form"],
    "from_python": [],
    "from_browser": []
  }
} as const;

/** The MIME type of what a finished output leaves in the notebook. */
export const VIEW_MIME = 'application/vnd.nbtrack.view.v1+json';

/** What a card's root tells the page when its finished output came; the detail is a `FinishedOutput`. */
export const FINISHED_EVENT = 'nbtrack-finished';

/** How the text of a live view begins that could not be shown. */
export const NOT_SHOWN = 'nbtrack could not show this';

/** What a view says that asks a kernel which was restarted. */
export const KERNEL_GONE = 'The kernel that made this is gone. Run the cell again.';

export type Role = 'live' | 'last' | 'best' | 'plain';
/** `auto`, `step`, `time`, `relative`, or the name of a metric. */
export type XMode = string;

/** One series inside a binary message: its `n` points follow those of the series before it. */
export interface SeriesHead {
  run: string;
  key: string;
  n: number;
  /** How many points there are, where these are a choice of them. */
  total?: number;
}

/** Everything that is known of the curves, as of message `seq`. Columns are little-endian float64. */
export interface Content {
  seq: number;
  series: SeriesHead[];
  step: DataView;
  time: DataView;
  value: DataView;
}

/**
 * What every widget has: its store, about which `backend.ts` sends requests, and where the code of its view is
 * (`loader.ts`): the reference of a model and the hash of what is in it.
 */
export interface ViewState {
  store_id: string;
  entry: string;
  bundle: string;
  bundle_hash: string;
}

/** Asks for the code of the views; the response has it as its buffer, in UTF-8. */
export interface BundleMessage {
  type: 'bundle';
}

export interface AskMessage {
  type: 'ask';
  id: string;
  question: { type: string };
}

export interface AnswerMessage {
  type: 'answer';
  id: string;
  body: unknown;
}

/** A request that failed, and why. */
export interface NoAnswerMessage {
  type: 'failed';
  id: string;
  message: string;
}

export interface MetricChartState {
  runs: RunRef[];
  content: Content;
  title: string;
  x: XMode;
  smoothing: number;
  log_x: boolean;
  log_y: boolean;
}

/** New points; the buffers are step, time and value of all series in turn. */
export interface AppendMessage {
  type: 'append';
  seq: number;
  series: SeriesHead[];
}

export interface ResyncMessage {
  type: 'resync';
  id: number;
}

/** Asks for the finished output: this page may have missed it. */
export interface FinishMessage {
  type: 'finish';
  id: number;
}

/** The user wants the run to stop; `interrupted` says that the page has interrupted the kernel itself. */
export interface StopMessage {
  type: 'stop';
  interrupted: boolean;
}

/** An output as the notebook keeps it, by MIME type. */
export interface FinishedOutput {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
}

export interface FinishedMessage extends FinishedOutput {
  type: 'finished';
  id: number;
}

export interface Head {
  name?: string;
  state?: RunState;
  experiment?: string;
  run_id?: string;
  elapsed_s?: number | null;
  steps_per_s?: number | null;
  step?: number | null;
  overhead_percent?: number | null;
  error?: string | null;
  /** How the run compares with earlier ones at its present step, where that is certain. */
  standing?: string | null;
}

export interface RunCardState extends MetricChartState {
  head: Head;
  since: RunDiffItem[];
  detail: RunDiffDetail;
  /** Whether the kernel hears messages while a cell runs, so that it can stop the run. */
  stoppable: boolean;
}

/** Points of a finished output: int32 step and time differences and float32 values, deflated, base64. */
export interface PackedCurves {
  series: (SeriesHead & { step0: number; time0: number; whole: boolean })[];
  data: string;
  /** How many curves found no room: all of them, then. Outputs of before do not say it. */
  left_out?: number;
}

interface ViewBase {
  version: 1;
}

export interface ChartView extends ViewBase {
  kind: 'chart' | 'card';
  /** Of the store that has the runs; a server may still respond to requests about it. */
  store_id?: string;
  title: string;
  runs: RunRef[];
  /** The metrics that were asked for; by default all but those of the machine. */
  keys?: string[];
  /** Whether there were more runs or keys than these. */
  cut?: boolean;
  options: { x: XMode; smoothing: number; log_x?: boolean; log_y: boolean };
  curves: PackedCurves;
  head?: Head;
  since?: RunDiffItem[];
  detail?: RunDiffDetail;
}

export interface TableView extends ViewBase {
  kind: 'table';
  all_columns: Column[];
  columns: string[];
  sort: SortKey[];
  filter: string;
  total: number;
  best: Record<string, number>;
  run_ids: string[];
  values: Record<string, (string | number | null)[]>;
}

interface SavedFacts extends Omit<DiffRun, 'environment' | 'source'> {
  environment: number | null;
  source: number | null;
}

/** A comparison as data alone, in a finished output or an HTML file. */
export interface SavedComparison {
  kind: 'comparison';
  version: 1;
  table: TableView;
  keys: ComparedKey[];
  metric: string;
  selected: string[];
  brushes: Brush[];
  importance: Importance[];
  facts: { runs: Record<string, SavedFacts>; environments: DiffEnvironment[]; sources: string[] } | null;
  curves: PackedCurves;
}

export type View = ChartView | TableView | SavedComparison | ModelView;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
type TraitsOf<W extends keyof typeof WIDGETS> = (typeof WIDGETS)[W]['traits'][number];

/** Fails to compile when a name above and an interface differ. */
export const AGREES: [
  Same<TraitsOf<'View'>, keyof ViewState>,
  Same<(typeof WIDGETS)['View']['from_python'][number], (AnswerMessage | NoAnswerMessage | BundleMessage)['type']>,
  Same<(typeof WIDGETS)['View']['from_browser'][number], (AskMessage | BundleMessage)['type']>,
  Same<TraitsOf<'MetricChart'>, keyof MetricChartState>,
  Same<TraitsOf<'RunCard'>, keyof RunCardState>,
  Same<TraitsOf<'RunTable'>, keyof RunTableState>,
  Same<(typeof WIDGETS)['MetricChart']['from_python'][number], AppendMessage['type']>,
  Same<(typeof WIDGETS)['MetricChart']['from_browser'][number], ResyncMessage['type']>,
  Same<(typeof WIDGETS)['RunCard']['from_python'][number], (AppendMessage | FinishedMessage)['type']>,
  Same<(typeof WIDGETS)['RunCard']['from_browser'][number], (ResyncMessage | FinishMessage | StopMessage)['type']>,
  Same<(typeof WIDGETS)['RunTable']['from_python'][number], never>,
  Same<(typeof WIDGETS)['RunTable']['from_browser'][number], never>,
  Same<TraitsOf<'Comparison'>, keyof ComparisonWidgetState>,
  Same<TraitsOf<'ModelCard'>, keyof ModelCardState>
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true];
