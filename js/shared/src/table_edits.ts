import type { Backend } from './backend';
import { messageOf } from './dom';
import { counted } from './format';
import { EMPTY_STATE, type TableState } from './protocol_table';
import type { Action, ColumnSet, TableColumns } from './requests';
import type { ExportFormat } from './table_bar';

const REMEMBER_MS = 1500;

interface EditEvents {
  /** Something was changed; `undo` takes it back. */
  done(text: string, undo?: () => void): void;
  failed(message: string): void;
  /** These runs left the table. */
  gone(ids: string[]): void;
}

const BACK: Partial<Record<Action, Action>> = { archive: 'unarchive', unarchive: 'archive', delete: 'restore', restore: 'delete', discard: 'restore' };
const DONE: Record<Action, string> = {
  archive: 'archived',
  unarchive: 'back from the archive',
  delete: 'deleted',
  restore: 'restored',
  keep: 'kept as they are',
  discard: 'discarded'
};
const MIMES: Record<ExportFormat, string> = { csv: 'text/csv', markdown: 'text/markdown', latex: 'application/x-tex' };

/** What a table changes in the store. */
export class TableEdits {
  private remembering: ReturnType<typeof setTimeout> | undefined;
  private pending: TableState | null = null;

  constructor(
    private readonly backend: Backend,
    private readonly experimentIds: string[] | null,
    private readonly events: EditEvents
  ) {}

  async act(action: Action, runIds: string[], undoable = true): Promise<void> {
    try {
      const { body } = await this.backend.ask('table.act', { action, run_ids: runIds });
      const ids = body.run_ids;
      const back = BACK[action];
      if (back) this.events.gone(ids);
      const runs = `${counted(ids.length, 'run')} ${DONE[action]}`;
      this.events.done(runs, back && undoable && ids.length > 0 ? () => void this.act(back, ids, false) : undefined);
    } catch (error) {
      this.events.failed(messageOf(error));
    }
  }

  /** Write a cell. Resolves to whether it was refused. */
  async edit(runId: string, column: string, value: string, before: string): Promise<boolean> {
    try {
      await this.backend.ask('table.edit', { run_id: runId, column, value });
      this.events.done('Saved', () => void this.edit(runId, column, before, value));
      return false;
    } catch (error) {
      this.events.failed(messageOf(error));
      return true;
    }
  }

  async tag(runIds: string[], key: string, value: string): Promise<void> {
    try {
      for (const runId of runIds) await this.backend.ask('table.edit', { run_id: runId, column: `tags.${key}`, value });
      this.events.done(`${key} = ${value} on ${counted(runIds.length, 'run')}`);
    } catch (error) {
      this.events.failed(messageOf(error));
    }
  }

  /** Keep or (without a state) forget a column set; nobody waits for what was used last. */
  async remember(name: string | null, state: TableState | null): Promise<TableColumns['sets'] | undefined> {
    try {
      const set = state && (name === null ? lastOf(state) : setOf(state));
      const params = { experiment_ids: this.experimentIds, name, set };
      return (await this.backend.ask('table.remember', params)).body.sets;
    } catch (error) {
      if (name !== null) this.events.failed(messageOf(error));
      return undefined;
    }
  }

  rememberLast(state: TableState): void {
    if (this.experimentIds?.length !== 1) return;
    this.pending = state;
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => this.writeLast(), REMEMBER_MS);
  }

  async export(params: { format: ExportFormat; columns: string[] }, how: 'copy' | 'download'): Promise<void> {
    try {
      const { body } = await this.backend.ask('table.export', params);
      if (how === 'copy') await navigator.clipboard.writeText(body.text);
      else download(body.text, body.filename, MIMES[params.format]);
      this.events.done(`${counted(body.rows, 'row')} ${how === 'copy' ? 'copied' : `in ${body.filename}`}`);
    } catch (error) {
      this.events.failed(messageOf(error));
    }
  }

  dispose(): void {
    clearTimeout(this.remembering);
    this.writeLast();
  }

  private writeLast(): void {
    const state = this.pending;
    this.pending = null;
    if (state) void this.remember(null, state);
  }
}

function setOf({ columns, sort, group, pinned, widths, directions, differing }: TableState): ColumnSet {
  return { columns, sort, group, pinned, widths, directions, differing };
}

/** What was used last, as far as it is other than by default: columns that come later appear. */
function lastOf({ hidden, added, order, sort, group, pinned, widths, directions, differing }: TableState): ColumnSet {
  const all = Object.entries({ hidden, added, order, sort, group, pinned, widths, directions, differing });
  return Object.fromEntries(all.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(EMPTY_STATE[key as keyof TableState])));
}

function download(text: string, filename: string, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = filename;
  link.click();
  URL.revokeObjectURL(link.href);
}
