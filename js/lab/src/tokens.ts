import type { ServedStores } from '@nbtrack/shared/served_stores';
import { Token } from '@lumino/coreutils';
import type { ModelsModel } from './models_model';
import type { Settings } from './settings';
import type { SidebarModel } from './sidebar_model';

/** What all parts of the extension share. */
export interface INbtrack extends ServedStores {
  /** What the sidebar shows and what is selected in it. */
  readonly model: SidebarModel;
  /** The registered models that the sidebar shows. */
  readonly models: ModelsModel;
  readonly settings: Settings;
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
  again: 'nbtrack:run-again',
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
  discard: 'nbtrack:discard',
  openModel: 'nbtrack:open-model',
  runOfVersion: 'nbtrack:open-run-of-version',
  copyModel: 'nbtrack:copy-model-loading',
  insertModel: 'nbtrack:insert-model-loading',
  stage: 'nbtrack:set-model-stage',
  alias: 'nbtrack:add-model-alias',
  tagVersion: 'nbtrack:tag-model-version',
  describeVersion: 'nbtrack:describe-model-version',
  describeModel: 'nbtrack:describe-model',
  renameModel: 'nbtrack:rename-model',
  deleteVersion: 'nbtrack:delete-model-version',
  deleteModel: 'nbtrack:delete-model',
  deleteModelRow: 'nbtrack:delete-model-row'
} as const;
