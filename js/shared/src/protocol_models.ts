/** What is said about models: in a card, in a saved output, and in the responses to `models.*`. */
import type { ColumnSpec, ModelMetric, ModelState, Signature } from './requests';

/** Of a card; `more` says how many rows were left out. */
export interface ModelSignature extends Signature {
  more?: number;
}

/** What a card shows of a model. */
export interface ModelCardFacts {
  name: string;
  /** Of a registered model. */
  version: number | null;
  model_id: string | null;
  state: ModelState | null;
  message: string | null;
  stage: string | null;
  aliases: string[] | null;
  flavors: string[];
  size: number | null;
  device: string | null;
  precision: string | null;
  /** How many numbers a network has learned. */
  parameters: number | null;
  created_ms: number | null;
  description: string | null;
  uri: string;
  /** The line of Python that loads it. */
  load: string;
  run: { run_id: string; name: string } | null;
  metrics: ModelMetric[];
  signature: ModelSignature | null;
}

export interface ParamField {
  name: string;
  type: string;
  value: string;
}

/** The form to try a model: a field for each column, or one text of JSON. */
export type ModelForm =
  | { kind: 'columns'; fields: (ColumnSpec & { name: string; value: string })[]; params: ParamField[] }
  | { kind: 'json'; inputs: ColumnSpec[]; text: string; params: ParamField[] };

export interface ModelCardState {
  facts: ModelCardFacts;
  form: ModelForm | null;
}

/** A saved card. */
export interface ModelView {
  kind: 'model';
  version: 1;
  facts: ModelCardFacts;
}
