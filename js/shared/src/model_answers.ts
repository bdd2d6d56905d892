/** The answers of the server's questions `models.*`. */
import type { RunState } from './protocol';
import type { ModelMetric, ModelSignature, ModelState } from './protocol_models';

/** A version in the tree. */
export interface TreeVersion {
  version: number;
  stage: string;
  aliases: string[];
  state: ModelState;
  model_id: string | null;
  run_id: string | null;
  created_ms: number;
  description: string | null;
  metric: { key: string; value: number | null } | null;
}

/** A registered model with its latest versions, and those that have an alias or a stage. */
export interface TreeModel {
  name: string;
  description: string | null;
  updated_ms: number;
  total: number;
  versions: TreeVersion[];
}

export interface ModelTreeAnswer {
  models: TreeModel[];
  total: number;
  /** How many logged models the store has, registered or not. */
  logged: number;
}

/** Where a logged model is registered. */
export interface VersionLink {
  name: string;
  version: number;
  stage: string;
  aliases: string[];
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
  signature: ModelSignature | null;
  metrics: ModelMetric[];
  versions: VersionLink[];
  uri: string;
  load: string;
}

/** Everything that is known of a version or of a logged model. */
export interface ModelFacts extends Omit<RunModel, 'model_id' | 'state' | 'created_ms'> {
  kind: 'version' | 'logged' | 'folder';
  version: number | null;
  model_id: string | null;
  state: ModelState | null;
  created_ms: number | null;
  stage: string | null;
  aliases: string[];
  description: string | null;
  user: string | null;
  location: string;
  params: [key: string, value: string][];
  tags: [key: string, value: string][];
  run: { run_id: string; name: string; state: RunState; experiment_id: string; experiment: string } | null;
  datasets: { name: string; digest: string; context: string | null }[];
  code: { commit: string | null; branch: string | null; cell: string | null; source: string | null } | null;
  files: { path: string; size: number | null }[];
  requirements: string[];
  python: string | null;
}

/** Which model is meant: a version of a registered one, or a logged one. */
export type ModelRef = { name: string; version: number } | { model_id: string };

/** What names a model in a question. */
export function refOf(ref: ModelRef): ModelRef {
  return 'model_id' in ref ? { model_id: ref.model_id } : { name: ref.name, version: ref.version };
}
