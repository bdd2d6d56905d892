import type { Brush, ComparisonWidgetState } from './protocol_comparison';
import type { ModelCardState, ModelView } from './protocol_models';
import type { RunTableState } from './protocol_table';
import type { Column, ComparedKey, DiffEnvironment, DiffRun, Importance, SortKey } from './requests';
import type { AnswerMessage, AppendMessage, ChartView, FinishedMessage, MetricChartTraits, NoAnswerMessage, PackedCurves, RunCardTraits, ViewTraits } from './view_data';

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

/** An output as the notebook keeps it, by MIME type. */
export type FinishedOutput = Pick<FinishedMessage, 'data' | 'metadata'>;

/** `auto`, `step`, `time`, `relative`, or the name of a metric. */
export type XMode = string;

/** Asks for the code of the views; the response has it as its buffer, in UTF-8. */
export interface BundleMessage {
  type: 'bundle';
}

export interface AskMessage {
  type: 'ask';
  id: string;
  question: { type: string };
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

interface ViewBase {
  version: 1;
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
  Same<TraitsOf<'View'>, keyof ViewTraits>,
  Same<(typeof WIDGETS)['View']['from_python'][number], (AnswerMessage | NoAnswerMessage | BundleMessage)['type']>,
  Same<(typeof WIDGETS)['View']['from_browser'][number], (AskMessage | BundleMessage)['type']>,
  Same<TraitsOf<'MetricChart'>, keyof MetricChartTraits>,
  Same<TraitsOf<'RunCard'>, keyof RunCardTraits>,
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
