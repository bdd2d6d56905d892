import { formatNumber } from '../format';
import type { FullRun, Source } from '../requests';
import { CodeActions } from './code_actions';
import { h } from '../dom';
import { askForNote, askForTag } from './dialogs';
import { FIRST_RUN } from '../empty_states';

export interface Named {
  run_id: string;
  name: string;
}

type Act = 'archive' | 'unarchive' | 'delete' | 'restore' | 'keep' | 'discard';

const DONE: Record<Act, string> = {
  archive: 'Archived',
  unarchive: 'Back among the active runs:',
  delete: 'Deleted',
  restore: 'Restored',
  keep: 'Kept',
  discard: 'Discarded'
};
const UNDO: Partial<Record<Act, Act>> = { archive: 'unarchive', delete: 'restore', discard: 'restore' };
/** How long it is shown what to do with cells that were inserted. */
const READ_MS = 15_000;

/** What can be done to the runs of a store. */
export class RunActions extends CodeActions {
  rename(runId: string, name: string): Promise<boolean> {
    return this.edit(runId, 'run_name', name);
  }

  async editNote(run: Named, before: string | null): Promise<void> {
    const note = await askForNote(this.nbtrack.appHost, run.name, before ?? '');
    if (note !== null && note !== (before ?? '')) await this.edit(run.run_id, 'note', note);
  }

  setNote(runId: string, note: string): Promise<boolean> {
    return this.edit(runId, 'note', note);
  }

  async addTag(runs: readonly Named[], before?: [string, string]): Promise<void> {
    const tag = await askForTag(this.nbtrack.appHost, namesOf(runs), before);
    if (tag) for (const run of runs) await this.edit(run.run_id, `tags.${tag[0]}`, tag[1]);
  }

  /** Archive, delete and the like; what can be undone offers that. Whether it was done. */
  async act(action: Act, runs: readonly Named[]): Promise<boolean> {
    if (runs.length === 0) return false;
    if (action === 'delete' && !(await this.confirm('Delete', namesOf(runs)))) return false;
    if (action === 'discard' && !(await this.confirm('Discard', namesOf(runs)))) return false;
    const run_ids = runs.map(run => run.run_id);
    if (!(await this.change('table.act', { action, run_ids }))) return false;
    const undo = UNDO[action];
    this.notify(`${DONE[action]} ${namesOf(runs)}`, undo && (() => this.act(undo, runs)));
    return true;
  }

  /** Insert the cell that made a run, after the earlier cells that it needed. */
  async insertSource(runId: string): Promise<void> {
    const response = await this.ask('run.source', { run_id: runId });
    if (!response) return;
    const cells = response.body.cells.map(cell => cell.source);
    if (cells.length === 0) {
      this.nbtrack.appHost.notify('warning', 'This run has kept no source: it was not made by a cell.');
      return;
    }
    await this.insert(cells);
    const lacking = lackingText(response.body);
    if (lacking) this.nbtrack.appHost.notify('warning', lacking, { ms: READ_MS });
  }

  /** Insert a cell that goes on with a run. */
  async resume(run: Named & { last_step?: number | null }): Promise<void> {
    const response = await this.ask('run.source', { run_id: run.run_id });
    if (!response) return;
    const { cells, resume } = response.body;
    const earlier = resume === null ? [] : cells.slice(0, -1).map(cell => cell.source);
    await this.insert([...earlier, resume ?? resumed(run.run_id)]);
    const step = run.last_step ?? null;
    const where = step === null ? '' : ` It has come to step ${formatNumber(step)}: change the code so that it begins after that.`;
    this.nbtrack.appHost.notify('info', `Run the selected cells to go on with “${run.name}”.${where}`, { ms: READ_MS });
  }

  async copyLoading(runId: string): Promise<void> {
    const response = await this.ask('run.loading', { run_id: runId });
    if (response) await this.copy(response.body.code, 'The code that loads this run is in the clipboard');
  }

  /** Run a run again, after what would run was shown; where no code may run, the command that does it. */
  async runAgain(run: Named): Promise<void> {
    const plan = (await this.ask('rerun.plan', { run_id: run.run_id }))?.body;
    if (!plan) return;
    const { command, cells } = plan;
    if (command === null) {
      this.nbtrack.appHost.notify('warning', 'It cannot be run again: this run has kept no source.');
      return;
    }
    if (!this.inserts) {
      const field = h('input', { type: 'text', readonly: true, value: command, 'aria-label': 'The command' });
      const where = h('p', {}, 'This page runs no code. In a terminal, where the store and the notebook are, this does:');
      const copies = await this.nbtrack.appHost.prompt(`Run “${run.name}” again`, [where, field], () => true, 'Copy');
      if (copies) await this.copy(command, 'The command is in the clipboard');
      return;
    }
    const count = cells.length === 1 ? '1 cell runs' : `${cells.length} cells run`;
    const what = h('p', {}, `${count} in a new kernel, in a copy of the folder. Then the numbers are compared with those of the run.`);
    const code = h('details', {}, h('summary', {}, 'The code'), h('pre', { class: 'nbt-plancode', tabindex: 0 }, cells.map(cell => cell.source).join('\n\n')));
    const agreed = await this.nbtrack.appHost.prompt(`Run “${run.name}” again?`, [what, code], () => true, 'Run again');
    if (agreed) await this.change('rerun.start', { run_id: run.run_id });
  }

  /** End the process that runs a run again. */
  async stopAgain(run: Named): Promise<void> {
    await this.change('rerun.stop', { run_id: run.run_id });
  }

  insertFirstRun(): Promise<void> {
    return this.insert([FIRST_RUN]);
  }

  async details(runId: string): Promise<FullRun | undefined> {
    return (await this.ask('run.details', { run_id: runId }))?.body;
  }

  private edit(runId: string, column: string, value: string): Promise<boolean> {
    return this.change('table.edit', { run_id: runId, column, value });
  }
}

/** Say what the cells of a run do not bring with them; empty where nothing is lacking. */
export function lackingText({ missing = [], left_out: leftOut = 0 }: Source): string {
  const parts = [];
  if (missing.length > 0) parts.push(`No cell defines ${missing.join(', ')}: the run found it in the kernel, so make it before you run these cells.`);
  if (leftOut > 0) parts.push(leftOut === 1 ? 'The earliest cell was too long to keep.' : `The ${leftOut} earliest cells were too long to keep.`);
  return parts.join(' ');
}

/** A cell that goes on with a run that was not made by one. */
export function resumed(runId: string): string {
  return `import nbtrack\n\nwith nbtrack.start_run(run_id="${runId}"):\n    ...  # what the run goes on with`;
}

function namesOf(runs: readonly Named[]): string {
  const [only] = runs;
  return runs.length === 1 && only ? `“${only.name}”` : `${runs.length} runs`;
}
