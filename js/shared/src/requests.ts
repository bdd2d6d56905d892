/**
 * The requests of the front end about a store, and the responses to them, by name.
 *
 * Made by `python tests/test_rpc.py` from the types of Python; change those and make it again.
 */

export type RunState = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED' | 'INTERRUPTED';
export type ComparedKind = 'number' | 'category';
export type Direction = 'min' | 'max';
export type Pair = [string, string];
export type ModelState = 'PENDING' | 'READY' | 'FAILED';
export type ModelRef = LoggedModelRef | VersionRef;
export type ModelEdit = SetAlias | DeleteAlias | MoveToStage | Describe | SetVersionTag | DeleteVersionTag | Register | RenameModel | DeleteVersion | DeleteModel;
export type Stage = 'active' | 'archived' | 'deleted';
export type ColumnKind = 'text' | 'number' | 'time' | 'state' | 'duration' | 'curve' | 'verdict';
export type SortKey = [string, boolean];
export type Best = 'min' | 'max' | 'none';
export type Action = 'archive' | 'unarchive' | 'delete' | 'restore' | 'keep' | 'discard';
export type Prediction = TablePrediction | TextPrediction;

/** Which curves, and about how many points of each at most. */
export interface CurvesParams {
  run_ids: readonly string[];
  keys?: readonly string[] | null;
  points?: number;
  system?: boolean;
}

/** The curves of runs, and how long they ran; the buffers are steps, times and values. */
export interface Curves {
  runs: RunRef[];
  series: SeriesHead[];
  elapsed_s: Record<string, number>;
  system: string[];
}

/** A run that a chart shows, as the browser knows it; see `RunRef`. */
export interface RunRef {
  id: string;
  name: string;
  role: 'live' | 'last' | 'best' | 'plain' | 'again';
  state: RunState;
}

/** A series in a binary message: its `n` points follow those of the series before it. */
export interface SeriesHead {
  run: string;
  key: string;
  n: number;
  total: number;
}

/** A part of the x axis. */
export interface WindowParams {
  run_ids: readonly string[];
  keys: readonly string[];
  window: readonly [number, number];
  x?: 'step' | 'time' | 'relative';
  points?: number;
  starts?: Record<string, number> | null;
}

/** What is to be seen in it; the buffers are steps, times and values. */
export interface WindowCurves {
  series: SeriesHead[];
}

/** `columns` are by default the params that differ and the primary metrics. */
export interface DataParams {
  run_ids?: readonly string[] | null;
  experiment_ids?: readonly string[] | null;
  filter?: string;
  columns?: readonly string[] | null;
}

/** Values of many runs; `total` is how many there are, of which at most 10,000 are here. */
export interface ComparedRuns {
  run_ids: string[];
  names: string[];
  states: RunState[];
  total: number;
  available: ComparedKey[];
  columns: ComparedColumn[];
}

/** A param or metric that could be asked for; see `ComparedKey`. */
export interface ComparedKey {
  name: string;
  kind: ComparedKind;
  differs: boolean;
  values: number;
  direction: Direction | null;
}

/** The values of one param or metric. */
export interface ComparedColumn {
  name: string;
  kind: ComparedKind;
  buffer: number;
  categories: string[];
  missing: number[];
  direction: Direction | null;
}

/** `metric` is by default the primary one. */
export interface ImportanceParams {
  run_ids?: readonly string[] | null;
  experiment_ids?: readonly string[] | null;
  filter?: string;
  metric?: string | null;
}

/** The params of a metric, the most important first. */
export interface Importance {
  metric: string;
  direction: Direction | null;
  runs: number;
  excluded: number;
  message: string;
  methods: string[];
  score: number | null;
  score_sd: number | null;
  params: ParamImportance[];
}

/** What one param has to do with the metric. */
export interface ParamImportance {
  name: string;
  kind: ComparedKind;
  values: number;
  runs: number;
  correlation: number | null;
  low: number | null;
  high: number | null;
  importance: number | null;
  importance_sd: number | null;
}

/** The ids of two runs. */
export interface DiffParams {
  a: string;
  b: string;
}

/** What is known of two runs; the browser lays it side by side. */
export interface Diff {
  a: DiffRun;
  b: DiffRun;
}

/** What is known of a run; `environment` is null where it was not kept. */
export interface DiffRun {
  run_id: string;
  name: string;
  experiment: string;
  state: RunState;
  start_ms: number;
  duration_s: number | null;
  note: string;
  params: Pair[];
  tags: Pair[];
  metrics: DiffMetric[];
  datasets: DiffDataset[];
  environment: DiffEnvironment | null;
  source: string | null;
}

/** A metric of a run; a value that is no finite number is a text. */
export interface DiffMetric {
  key: string;
  last: number | string | null;
  min: number | string | null;
  max: number | string | null;
  step: number;
  direction: Direction | null;
}

/** A dataset that a run has used. */
export interface DiffDataset {
  name: string;
  digest: string;
  context: string;
  rows: number | null;
}

/** The part of a run's environment that is compared. */
export interface DiffEnvironment {
  python: string;
  platform: string;
  gpu: string;
  packages: Record<string, string>;
  git: DiffGit | null;
}

/** The code that was checked out. */
export interface DiffGit {
  commit: string | null;
  branch: string | null;
  dirty: boolean | null;
}

/** The ids of the runs that are shown. */
export interface ImagesParams {
  run_ids: readonly string[];
}

/** The images of those runs that have logged some; `note` says why there are none to show. */
export interface ComparedImages {
  runs: RunImages[];
  note: string;
}

/** The images of one run; `problem` says why they cannot be listed. */
export interface RunImages {
  run_id: string;
  folder: string;
  series: ImageSeries[];
  problem: string | null;
}

/** Images of one key, by step and time. */
export interface ImageSeries {
  key: string;
  steps: number[];
  times: number[];
  files: string[];
  small: boolean[];
  thumbnail: string;
  total: number;
}

/** `filter` is in the search grammar, or words of the names. */
export interface ModelTreeParams {
  filter?: string;
}

/** The registry; `logged` says how many logged models the store has, registered or not. */
export interface RegistryTree {
  models: TreeModel[];
  total: number;
  logged: number;
}

/** A registered model with its latest versions, and those that have an alias or a stage. */
export interface TreeModel {
  name: string;
  description: string | null;
  updated_ms: number;
  total: number;
  versions: TreeVersion[];
}

/** A version in the tree. */
export interface TreeVersion {
  version: number;
  stage: string;
  aliases: string[];
  state: ModelState;
  model_id: string | null;
  run_id: string | null;
  run_name: string | null;
  created_ms: number;
  description: string | null;
  metric: MetricValue | null;
}

/** A metric; a word stands for a number that is not finite. */
export interface MetricValue {
  key: string;
  value: number | string | null;
}

/** A logged model. */
export interface LoggedModelRef {
  model_id: string;
}

/** A version of a registered model. */
export interface VersionRef {
  name: string;
  version: number;
}

/** All that is known of a version, of a logged model or of a folder with a model. */
export interface ModelFacts {
  flavors: string[];
  predicts: boolean;
  signature: Signature | null;
  size: number | null;
  device: string | null;
  precision: string | null;
  parameters: number | null;
  created_ms: number | null;
  python: string | null;
  kind: 'folder' | 'logged' | 'version';
  name: string;
  version: number | null;
  model_id: string | null;
  uri: string;
  location: string;
  state: ModelState | null;
  message: string | null;
  model_type: string | null;
  stage: string | null;
  aliases: string[];
  description: string | null;
  user: string | null;
  params: Pair[];
  metrics: ModelMetric[];
  tags: Pair[];
  versions: VersionLink[];
  run: RunOfModel | null;
  datasets: DatasetLink[];
  code: CodeOfModel | null;
  files: ModelFile[];
  requirements: string[];
  load: string;
}

/** What goes into a model and what comes out. */
export interface Signature {
  inputs: ColumnSpec[];
  outputs: ColumnSpec[];
  params: ParamSpec[];
}

/** An input or an output of a model. */
export interface ColumnSpec {
  name: string | null;
  type: string;
  required: boolean;
}

/** A param that a model takes. */
export interface ParamSpec {
  name: string;
  type: string;
  default: unknown;
}

/** The latest value of a metric; a word stands for a number that is not finite. */
export interface ModelMetric {
  key: string;
  value: number | string | null;
  step: number | null;
}

/** Where a logged model is registered. */
export interface VersionLink {
  name: string;
  version: number;
  stage: string;
  aliases: string[];
}

/** The run that has logged a model. */
export interface RunOfModel {
  run_id: string;
  name: string;
  state: RunState;
  experiment_id: string;
  experiment: string;
  end_ms: number | null;
}

/** A dataset that the run of a model has used. */
export interface DatasetLink {
  name: string;
  digest: string;
  context: string | null;
}

/** Where the code of a model's run stands: the commit, the cell, the notebook. */
export interface CodeOfModel {
  commit: string | null;
  branch: string | null;
  cell: string | null;
  source: string | null;
}

/** A file of a model; the size is null where it is not known. */
export interface ModelFile {
  path: string;
  size: number | null;
}

/** Where a run, a number or a model comes from. */
export interface LineagePage {
  call: string;
  run_id: string | null;
  nodes: LineageNode[];
  folder: string | null;
  files: FileUse[];
  left_out: number;
  environment: EnvironmentNow | null;
}

/** A node of a lineage; `leads_to` has the names of what came out of it. */
export interface LineageNode {
  kind: 'file' | 'dataset' | 'cell' | 'code' | 'environment' | 'run' | 'model' | 'version' | 'metric';
  name: string;
  facts: string;
  state: string | null;
  run_id: string | null;
  model_id: string | null;
  version: number | null;
  leads_to: string[];
  rail: Rail;
}

/** The lines beside a node; see `Rail`. */
export interface Rail {
  at: number;
  above: number[];
  below: number[];
  joins: number[];
}

/** A file that the run has read or written, or a folder of which it has read many files. */
export interface FileUse {
  path: string;
  mode: string;
  size: number;
  count: number;
  cells: number[];
  state: 'same' | 'changed' | 'missing' | 'may have changed' | 'not here' | 'not looked at';
}

/** The environment of the run against that of whoever answers. */
export interface EnvironmentNow {
  is_here: boolean;
  call: string;
  changes: ChangeOfEnvironment[];
}

/** One thing that is different; null where there is none. */
export interface ChangeOfEnvironment {
  name: string;
  then: string | null;
  now: string | null;
}

/** One of its files. */
export interface LoggedModelFile {
  model_id: string;
  path: string;
}

/** One of its files. */
export interface VersionFile {
  name: string;
  version: number;
  path: string;
}

/** What is shown of a file; see `Preview`. Of images and media, the buffer has the bytes. */
export interface Preview {
  kind: 'image' | 'text' | 'table' | 'json' | 'html' | 'figure' | 'pdf' | 'audio' | 'video' | 'none';
  mime: string;
  truncated: boolean;
  text?: string;
  columns?: string[];
  rows?: unknown[][];
}

/** Let an alias name a version, also where it names another. */
export interface SetAlias {
  action: 'set_alias';
  name: string;
  alias: string;
  version: number;
}

/** Let an alias name no version any more. */
export interface DeleteAlias {
  action: 'delete_alias';
  name: string;
  alias: string;
}

/** Move a version to a stage; others that are there may be archived. */
export interface MoveToStage {
  action: 'stage';
  name: string;
  version: number;
  stage: string;
  archive_existing?: boolean;
}

/** Change the description of a model, or of one of its versions. */
export interface Describe {
  action: 'describe';
  name: string;
  description: string;
  version?: number | null;
}

/** Set a tag of a version. */
export interface SetVersionTag {
  action: 'tag';
  name: string;
  version: number;
  key: string;
  value: string;
}

/** Remove a tag of a version. */
export interface DeleteVersionTag {
  action: 'untag';
  name: string;
  version: number;
  key: string;
}

/** Make a logged model a version of a registered one, which is made where there is none. */
export interface Register {
  action: 'register';
  model_id: string;
  name: string;
}

/** Give a registered model another name. */
export interface RenameModel {
  action: 'rename';
  name: string;
  new_name: string;
}

/** Remove a version. */
export interface DeleteVersion {
  action: 'delete_version';
  name: string;
  version: number;
}

/** Remove a registered model with its versions. */
export interface DeleteModel {
  action: 'delete_model';
  name: string;
}

/** The body of a response that says nothing more. */
export type Done = Record<string, never>;

/** Which run. */
export interface RerunParams {
  run_id: string;
}

/** What running a run again would do, and the command that does it. */
export interface RerunPlan {
  command: string | null;
  cells: RerunCell[];
  running: RerunProgress | null;
}

/** A cell that would run, or the command of a script or project. */
export interface RerunCell {
  source: string;
  number: number | null;
}

/** How far running a run again has come; `is_here` says that it can be stopped from here. */
export interface RerunProgress {
  cell: number;
  cells: number;
  attempt: string;
  started: number | null;
  is_here: boolean;
}

/** Which run. */
export interface RunParams {
  run_id: string;
}

/** All there is to see of a run, but its artifacts. */
export interface FullRun {
  run: RunHead;
  failure: Failure | null;
  params: Pair[];
  tags: Pair[];
  metrics: MetricFacts[];
  datasets: DatasetFacts[];
  environment: Environment;
  source: CellSource | null;
  badges: Badge[];
  verdict: Verdict | null;
  rerun: RerunOffer;
  models: RunModel[];
  has_images: boolean;
  since: BaselineDiff | null;
}

/** What a run is; see `TreeRun`. */
export interface RunHead {
  run_id: string;
  name: string;
  experiment_id: string;
  experiment: string;
  state: RunState;
  stage: string;
  archived: boolean;
  kept: boolean;
  start_ms: number;
  end_ms: number | null;
  duration_s: number | null;
  user: string | null;
  last_step: number | null;
  ending: string | null;
  note: string | null;
  parent: RunLink | null;
  children: RunLink[];
}

/** A run that is referred to. */
export interface RunLink {
  run_id: string;
  name: string;
  state: RunState;
}

/** Why a run failed: the error, the line of the cell it came from, and the way to it. */
export interface Failure {
  error: string;
  line: number | null;
  traceback: string | null;
}

/** What is known of a metric of a run; a word stands for a number that is not finite. */
export interface MetricFacts {
  key: string;
  last: number | string | null;
  min: number | string | null;
  max: number | string | null;
  step: number;
  count: number;
  spark: (number | null)[];
}

/** A dataset that a run has used. */
export interface DatasetFacts {
  name: string;
  digest: string;
  context: string | null;
  source: unknown;
  profile: unknown;
}

/** Where a run ran, as far as it was kept. */
export interface Environment {
  python: string | null;
  executable: unknown;
  platform: string | null;
  packages: Pair[];
  git: Git | null;
  gpu: string | null;
  cuda: unknown;
  notebook: string | null;
  folder: unknown;
  host: string | null;
  cpu_count: unknown;
  memory: unknown;
}

/** The code that was checked out; `changed` are the files that differed from the commit. */
export interface Git {
  commit: string;
  branch: string | null;
  dirty: boolean | null;
  repo: string | null;
  changed: string[];
}

/** The code of a run's cell. */
export interface CellSource {
  text: string;
  execution_count: number | null;
}

/** Something to know before one trusts a run; see `Badge`. */
export interface Badge {
  text: string;
  kind: 'warning' | 'info' | 'good';
  detail: string;
}

/** What came of running a run again. */
export interface Verdict {
  reproduced: 'yes' | 'no' | 'failed';
  result: 'exact' | 'close' | 'different' | 'failed';
  short: string;
  text: string;
  date: number | null;
  cause: string | null;
  cells: string | null;
  environment: string | null;
  differs: string[];
}

/** Whether a run can be run again, and how far that has come where somebody does it. */
export interface RerunOffer {
  is_possible: boolean;
  progress: RerunProgress | null;
}

/** A model that a run has logged. */
export interface RunModel {
  model_id: string;
  name: string;
  state: ModelState;
  message: string | null;
  model_type: string | null;
  created_ms: number;
  size: number | null;
  flavors: string[];
  device: string | null;
  precision: string | null;
  parameters: number | null;
  signature: Signature | null;
  metrics: ModelMetric[];
  versions: VersionLink[];
  uri: string;
  load: string;
}

/** What is different from the run before. */
export interface BaselineDiff {
  run_id: string;
  name: string;
  items: RunDiffItem[];
  detail: RunDiffDetail;
}

/** One thing that is different. */
export interface RunDiffItem {
  label: string;
  text: string;
  kind: 'better' | 'worse' | 'same' | 'info';
}

/** What a click shows: a unified diff of the code, and all params that changed. */
export interface RunDiffDetail {
  params?: [string, string | null, string | null][];
  code_diff?: string;
}

/** A folder of its artifacts; the uppermost one is `""`. */
export interface FolderParams {
  run_id: string;
  path?: string;
}

/** What lies in a folder; `truncated` where there is more. */
export interface Artifacts {
  files: ArtifactFile[];
  truncated: boolean;
}

/** A file, or a folder; the size is null where it is not known. */
export interface ArtifactFile {
  path: string;
  is_dir: boolean;
  size: number | null;
}

/** One of its artifacts. */
export interface FileParams {
  run_id: string;
  path: string;
}

/** How to run a run again. */
export interface Source {
  cells: SourceCell[];
  resume: string | null;
  left_out: number;
  missing: string[];
}

/** A cell of the notebook that a run came from. */
export interface SourceCell {
  source: string;
  why: string;
  number: number | null;
}

/** What was found about a run without a log call, and is not left out. */
export interface FoundOfRun {
  items: FoundItem[];
}

/** A param or a metric that was found without a log call; `source` says where. */
export interface FoundItem {
  kind: 'param' | 'metric';
  key: string;
  source: string;
  value?: string;
}

/** What came of running a run again, what differs first; the buffers are steps and values. */
export interface Reproduced {
  verdict: Verdict | null;
  comparison: ComparedValue[];
  left_out: number;
  curves: RerunCurve[];
}

/** Something that a run has logged, then and now; null where there is nothing to show. */
export interface ComparedValue {
  kind: 'param' | 'metric' | 'artifact' | 'text';
  key: string;
  result: 'exact' | 'close' | 'different' | 'missing' | 'new';
  then: string | number | null;
  now: string | number | null;
  detail: string | null;
}

/** A curve of the run again; its `n` points follow those of the curve before it. */
export interface RerunCurve {
  key: string;
  n: number;
}

/** A metric of it, or null for all of the run. */
export interface LineageParams {
  run_id: string;
  metric?: string | null;
}

/** Something that was found about it without a log call. */
export interface FoundParams {
  run_id: string;
  kind: 'param' | 'metric';
  key: string;
}

/** Python that gets at what a run has logged. */
export interface Loading {
  code: string;
}

/** Of a request that needs none. */
export type NoParams = Record<string, never>;

/** All experiments, deleted ones too. */
export interface Experiments {
  experiments: Experiment[];
}

/** An experiment of the tree; times are milliseconds since the epoch. */
export interface Experiment {
  experiment_id: string;
  name: string;
  stage: string;
  runs: number;
  running: number;
  last_ms: number | null;
  note: string | null;
}

/** Which runs of an experiment. */
export interface TreeParams {
  experiment_id: string;
  stage?: Stage;
  start?: number;
  stop?: number | null;
  filter?: string;
  state?: string;
}

/** Runs, each followed by the ones nested in it, and how many there are that are in no other. */
export interface TreePage {
  total: number;
  runs: TreeRun[];
}

/** A run in a tree. */
export interface TreeRun {
  run_id: string;
  name: string;
  state: RunState;
  stage: string;
  start_ms: number;
  duration_s: number | null;
  last_step: number | null;
  parent_id: string | null;
  children: number;
  spark: Spark | null;
  archived: boolean;
  kept: boolean;
  note: string | null;
  reproduced?: string | null;
  cause?: string | null;
  warnings?: string | null;
  ending: string | null;
}

/** A small curve of a metric; null where there is no number. */
export interface Spark {
  key: string;
  values: (number | null)[];
}

/** A filter that no run fits. */
export interface HintParams {
  filter: string;
}

/** Which names the filter may have meant, as a sentence; "" where nothing is near. */
export interface FilterHint {
  hint: string;
}

/** Give an experiment another name. */
export interface RenameExperiment {
  action: 'rename';
  experiment_id: string;
  name: string;
}

/** Set the note of an experiment. */
export interface NoteExperiment {
  action: 'note';
  experiment_id: string;
  note: string;
}

/** Delete an experiment, or restore it. */
export interface StageExperiment {
  action: 'delete' | 'restore';
  experiment_id: string;
}

/** Which experiment was changed. */
export interface ChangedExperiment {
  experiment_id: string;
}

/** Of which runs the columns are. */
export interface ColumnsParams {
  experiment_ids?: readonly string[] | null;
  run_ids?: readonly string[] | null;
  stage?: Stage;
}

/** The columns of a table; `sets` is null where none can be kept. */
export interface TableColumns {
  columns: Column[];
  defaults: string[];
  sets: ColumnSets | null;
}

/** A column as the browser knows it. */
export interface Column {
  name: string;
  kind: ColumnKind;
  differs: boolean;
  direction: Direction | null;
  editable?: boolean;
}

/** Column sets of an experiment by name, and the one that was used last. */
export interface ColumnSets {
  last: ColumnSet | null;
  named: Record<string, ColumnSet>;
}

/** What somebody has chosen to see; `pinned` are the columns that stay at the left. */
export interface ColumnSet {
  columns?: string[];
  hidden?: string[];
  added?: string[];
  order?: string[];
  sort?: SortKey[];
  group?: string[];
  pinned?: string[];
  widths?: Record<string, number>;
  directions?: Record<string, Best>;
  differing?: boolean;
}

/** Which rows, as `TableQuery` has them; `sort` are columns, and whether each rises. */
export interface QueryParams {
  experiment_ids?: readonly string[] | null;
  run_ids?: readonly string[] | null;
  columns?: readonly string[];
  filter?: string;
  sort?: readonly SortKey[];
  group?: readonly string[];
  expanded?: readonly string[];
  stage?: Stage;
  directions?: Record<string, Best> | null;
  start?: number;
  stop?: number | null;
}

/** A page as the browser knows it; see `TablePage`. */
export interface Page {
  start: number;
  total: number;
  run_ids: string[];
  columns: PageColumn[];
  groups?: (Group | null)[];
  children?: number[];
  runs?: number | null;
  best?: Record<string, number>;
  warnings?: (string | null)[];
  hint?: string;
}

/** A column of a page: numbers are the float64 buffer `buffer`, all else is `values`. */
export interface PageColumn {
  name: string;
  buffer?: number;
  gaps?: number[];
  spread?: number;
  values?: (string | null)[];
}

/** A group as the browser knows it. */
export interface Group {
  key: string;
  label: string;
  runs: number;
}

/** `groups` are the keys of groups whose runs are meant; none for all that match. */
export interface IdsParams {
  experiment_ids?: readonly string[] | null;
  run_ids?: readonly string[] | null;
  columns?: readonly string[];
  filter?: string;
  sort?: readonly SortKey[];
  group?: readonly string[];
  expanded?: readonly string[];
  stage?: Stage;
  directions?: Record<string, Best> | null;
  start?: number;
  stop?: number | null;
  groups?: readonly string[];
}

/** Runs that match, or to which something was done. */
export interface RunIds {
  run_ids: string[];
}

/** `format` is that of the text. */
export interface ExportParams {
  experiment_ids?: readonly string[] | null;
  run_ids?: readonly string[] | null;
  columns?: readonly string[];
  filter?: string;
  sort?: readonly SortKey[];
  group?: readonly string[];
  expanded?: readonly string[];
  stage?: Stage;
  directions?: Record<string, Best> | null;
  start?: number;
  stop?: number | null;
  format: 'csv' | 'markdown' | 'latex';
}

/** A table as text. */
export interface Export {
  text: string;
  filename: string;
  rows: number;
}

/** A filter as it stands in a field while somebody types. */
export interface TypedFilter {
  filter: string;
}

/** Whether it cannot be read, and may be the beginning of a filter that can. */
export interface Unfinished {
  unfinished: boolean;
}

/** Metrics of runs, and how many points of each. */
export interface SmallCurvesParams {
  run_ids: readonly string[];
  keys: readonly string[];
  points?: number;
}

/** Small curves; the buffer has the points of each run in turn, by metric. */
export interface SmallCurves {
  run_ids: string[];
  keys: string[];
  points: number;
}

/** A cell and what it shall say. */
export interface EditParams {
  run_id: string;
  column: string;
  value: string;
}

/** The value as it is kept. */
export interface Edited {
  value: string;
}

/** What shall be done, and to which runs. */
export interface ActParams {
  action: Action;
  run_ids: readonly string[];
}

/** A column set: the one that was used last where it has no name; null forgets it. */
export interface RememberParams {
  experiment_ids?: readonly string[] | null;
  name?: string | null;
  set?: ColumnSet | null;
}

/** The column sets that are kept; null where none can be. */
export interface Sets {
  sets: ColumnSets | null;
}

/** What stands in the form: texts by column, or one text of JSON; and the params by name. */
export interface PredictParams {
  fields?: Record<string, string>;
  text?: string;
  params?: Record<string, string>;
}

/** A prediction that has rows, of which `total` is the number; `note` says what it was. */
export interface TablePrediction {
  kind: 'table';
  columns: string[];
  rows: ((string | number | boolean | null)[])[];
  total: number;
  note: string;
  seconds?: number;
}

/** A prediction that is no table; `note` says what it was, such as a shape. */
export interface TextPrediction {
  kind: 'text';
  text: string;
  note: string;
  seconds?: number;
}

/** A store that the server knows. */
export interface StoreInfo {
  id: string;
  name: string;
  path: string;
  source: 'folder' | 'kernel' | 'setting';
  running: number | null;
  error: string | null;
}

export interface Requests {
  'chart.runs': { params: CurvesParams; response: Curves };
  'chart.window': { params: WindowParams; response: WindowCurves };
  'compare.data': { params: DataParams; response: ComparedRuns };
  'compare.importance': { params: ImportanceParams; response: Importance };
  'compare.diff': { params: DiffParams; response: Diff };
  'compare.images': { params: ImagesParams; response: ComparedImages };
  'models.tree': { params: ModelTreeParams; response: RegistryTree };
  'models.details': { params: ModelRef; response: ModelFacts };
  'models.lineage': { params: ModelRef; response: LineagePage };
  'models.preview': { params: LoggedModelFile | VersionFile; response: Preview };
  'models.act': { params: ModelEdit; response: Done };
  'rerun.plan': { params: RerunParams; response: RerunPlan };
  'rerun.start': { params: RerunParams; response: Done };
  'rerun.stop': { params: RerunParams; response: Done };
  'run.details': { params: RunParams; response: FullRun };
  'run.artifacts': { params: FolderParams; response: Artifacts };
  'run.preview': { params: FileParams; response: Preview };
  'run.images': { params: RunParams; response: RunImages };
  'run.source': { params: RunParams; response: Source };
  'run.found': { params: RunParams; response: FoundOfRun };
  'run.reproduced': { params: RunParams; response: Reproduced };
  'run.lineage': { params: LineageParams; response: LineagePage };
  'run.leave_out': { params: FoundParams; response: FoundOfRun };
  'run.stop_after': { params: RunParams; response: Done };
  'run.loading': { params: RunParams; response: Loading };
  'store.experiments': { params: NoParams; response: Experiments };
  'store.tree': { params: TreeParams; response: TreePage };
  'store.hint': { params: HintParams; response: FilterHint };
  'store.act': { params: RenameExperiment | NoteExperiment | StageExperiment; response: ChangedExperiment };
  'table.columns': { params: ColumnsParams; response: TableColumns };
  'table.rows': { params: QueryParams; response: Page };
  'table.ids': { params: IdsParams; response: RunIds };
  'table.export': { params: ExportParams; response: Export };
  'table.unfinished': { params: TypedFilter; response: Unfinished };
  'table.curves': { params: SmallCurvesParams; response: SmallCurves };
  'table.edit': { params: EditParams; response: Edited };
  'table.act': { params: ActParams; response: RunIds };
  'table.remember': { params: RememberParams; response: Sets };
  'model.refresh': { params: NoParams; response: Done };
  'model.predict': { params: PredictParams; response: Prediction };
}
