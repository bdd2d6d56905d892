import type { Backend } from './backend';
import type { Highlighter } from './details/highlighter';

export type Tone = 'success' | 'info' | 'warning' | 'error';

/** How long something is said, and what takes it back. */
export interface NotifyOptions {
  ms?: number;
  undo?: () => unknown;
}

/** The page that views stand in, be it JupyterLab or one of our own: how it talks to its user, and what it does with code. */
export interface AppHost {
  notify(tone: Tone, text: string, options?: NotifyOptions): void;
  /** Ask for what stands in the fields; null when the user thinks better of it. */
  prompt<T>(title: string, fields: HTMLElement[], value: () => T, button: string): Promise<T | null>;
  /** Ask whether to go on with something that is not easily undone. */
  confirm(title: string, text: string, button: string): Promise<boolean>;
  /** Insert cells into a notebook; null where there is none. */
  insert: ((sources: readonly string[]) => Promise<void>) | null;
  /** What opens a file of the user's, below a folder of this machine; null where nothing does. */
  opensFile(folder: string, path: string): (() => void) | null;
  highlighter(): Highlighter;
}

/** Where views get what they show, and who is told of changes. */
export interface Stores {
  readonly appHost: AppHost;
  /** What responds to requests about a store. */
  backend(storeId: string): Backend;
  /** Say that a view has changed a store. */
  changed(storeId: string): void;
  /** Where the artifacts of a run can be downloaded; null where they cannot. */
  fileAddress(storeId: string, runId: string): ((path: string) => string) | null;
}
