import type { Backend } from '@nbtrack/shared/backend';
import { Token } from '@lumino/coreutils';
import type { NbtrackServer } from './server';
import type { Settings } from './settings';
import type { SidebarModel } from './sidebar_model';
import type { StoreWatcher } from './watcher';

/** What all parts of the extension share. */
export interface INbtrack {
  readonly server: NbtrackServer;
  readonly watcher: StoreWatcher;
  /** What the sidebar shows and what is selected in it. */
  readonly model: SidebarModel;
  readonly settings: Settings;
  /** Who answers questions about a store. */
  backend(storeId: string): Backend;
}

export const INbtrack = new Token<INbtrack>('nbtrack:INbtrack', 'The stores and runs that nbtrack shows.');

/** The names of the commands. */
export const Commands = {
  show: 'nbtrack:show',
  search: 'nbtrack:search',
  refresh: 'nbtrack:refresh',
  open: 'nbtrack:open-run',
  compare: 'nbtrack:compare',
  table: 'nbtrack:open-table',
  insert: 'nbtrack:insert-source',
  copy: 'nbtrack:copy-loading',
  copyId: 'nbtrack:copy-id',
  rename: 'nbtrack:rename',
  note: 'nbtrack:edit-note',
  tag: 'nbtrack:add-tag',
  archive: 'nbtrack:archive',
  unarchive: 'nbtrack:unarchive',
  delete: 'nbtrack:delete',
  restore: 'nbtrack:restore',
  keep: 'nbtrack:keep',
  resume: 'nbtrack:resume',
  discard: 'nbtrack:discard'
} as const;
