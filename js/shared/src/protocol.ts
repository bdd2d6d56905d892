import type { AnswerMessage, AppendMessage, FinishedMessage, NoAnswerMessage } from './view_data';

/**
 * What Python and the browser say to each other.
 *
 * `WIDGETS` names the types of the messages of every widget. It is plain JSON, and a Python test compares it
 * with the classes in `nbtrack.views.widgets`; below, the compiler compares it with the interfaces. The traits
 * are in `view_data.ts`.
 */
export const WIDGETS = {
  "View": {
    "from_python": ["answer", "failed", "bundle"],
    "from_browser": ["ask", "bundle"]
  },
  "MetricChart": {
    "from_python": ["append"],
    "from_browser": ["resync"]
  },
  "RunCard": {
    "from_python": ["append", "finished"],
    "from_browser": ["resync", "finish", "stop"]
  },
  "RunTable": {
    "from_python": [],
    "from_browser": []
  },
  "Comparison": {
    "from_python": [],
    "from_browser": []
  },
  "ModelCard": {
    "from_python": [],
    "from_browser": []
  }
} as const;

/** The MIME type of what a finished output leaves in the notebook. */
export const VIEW_MIME = 'application/vnd.nbtrack.view.v1+json';

/** What a card's root tells the page when its finished output came; the detail is a `FinishedOutput`. */
export const FINISHED_EVENT = 'nbtrack-finished';

/** What the output of a run asks the page to do when its button is pressed; the detail is a `RunAgain`. */
export const AGAIN_EVENT = 'nbtrack-run-again';

/** The run that somebody wants to be run again. */
export interface RunAgain {
  store: string;
  run_id: string;
  name: string;
}

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

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

/** Fails to compile when a name above and an interface differ. */
export const AGREES: [
  Same<(typeof WIDGETS)['View']['from_python'][number], (AnswerMessage | NoAnswerMessage | BundleMessage)['type']>,
  Same<(typeof WIDGETS)['View']['from_browser'][number], (AskMessage | BundleMessage)['type']>,
  Same<(typeof WIDGETS)['MetricChart']['from_python'][number], AppendMessage['type']>,
  Same<(typeof WIDGETS)['MetricChart']['from_browser'][number], ResyncMessage['type']>,
  Same<(typeof WIDGETS)['RunCard']['from_python'][number], (AppendMessage | FinishedMessage)['type']>,
  Same<(typeof WIDGETS)['RunCard']['from_browser'][number], (ResyncMessage | FinishMessage | StopMessage)['type']>,
  Same<(typeof WIDGETS)['RunTable']['from_python'][number], never>,
  Same<(typeof WIDGETS)['RunTable']['from_browser'][number], never>
] = [true, true, true, true, true, true, true, true];
