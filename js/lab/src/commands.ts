import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { copyIcon, deleteIcon, editIcon, notebookIcon, refreshIcon, tableRowsIcon, tagIcon, undoIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Experiment, TreeRun } from '@nbtrack/shared/requests';
import type { ExperimentActions } from '@nbtrack/shared/actions/experiment_actions';
import { archiveIcon, compareIcon, nbtrackIcon } from './icons';
import type { MainViews } from './main_views';
import { PANEL_ID, type SidebarPanel } from './panel';
import type { RunActions } from '@nbtrack/shared/actions/run_actions';
import type { Row } from './run_tree';
import type { Target } from './targets';
import { Commands, type INbtrack } from './tokens';
import { isSilent } from './tree_row';

export type Args = ReadonlyPartialJSONObject;

/** What commands need. */
export interface CommandParts {
  app: JupyterFrontEnd;
  nbtrack: INbtrack;
  panel: SidebarPanel;
  views: MainViews;
}

/** The runs that a command is about: those of its arguments or its menu, else those selected in the sidebar. */
class Selected {
  constructor(private readonly nbtrack: INbtrack) {}

  rows(args: Args): readonly Row[] {
    const { selection } = this.nbtrack.model;
    return args['isMenu'] ? selection.ofMenu : selection.targets;
  }

  runs(args: Args): TreeRun[] {
    return this.rows(args).flatMap(row => (row.kind === 'run' ? [row.run] : []));
  }

  /** The experiment that is meant, when no run is. */
  experiment(args: Args): Experiment | null {
    const [row, another] = this.rows(args);
    return row?.kind === 'experiment' && !another ? row.experiment : null;
  }

  experimentIds(args: Args): string[] {
    const { tree } = this.nbtrack.model;
    return [...new Set(this.rows(args).map(row => tree.experimentOf(row)))];
  }

  ids(args: Args): string[] {
    const given = args['run_ids'];
    return Array.isArray(given) ? given.map(String) : this.runs(args).map(run => run.run_id);
  }

  store(args: Args): string {
    return typeof args['store'] === 'string' ? args['store'] : this.nbtrack.model.storeId;
  }
}

/** Add all commands, the menu of the tree, and what of it stands in the palette. */
export function addCommands(parts: CommandParts, palette: ICommandPalette | null): void {
  const { app, nbtrack, panel, views } = parts;
  const { commands } = app;
  const selected = new Selected(nbtrack);
  const shown = (): boolean => panel.isVisible;
  const some = (args: Args): boolean => shown() && selected.runs(args).length > 0;
  const one = (args: Args): boolean => shown() && selected.runs(args).length === 1;
  const only = (test: (run: TreeRun) => boolean) => (args: Args): boolean => some(args) && selected.runs(args).every(test);
  const oneOf = (test: (run: TreeRun) => boolean) => (args: Args): boolean => one(args) && selected.runs(args).every(test);
  // what is meant is read at once: it may be other runs when the code of the actions has come
  const act = (work: (actions: RunActions, first: TreeRun, runs: TreeRun[]) => unknown) => async (args: Args): Promise<void> => {
    const runs = selected.runs(args);
    const [first] = runs;
    if (!first) return;
    const store = nbtrack.model.storeId;
    const { RunActions: Actions } = await import('@nbtrack/shared/actions/run_actions');
    await work(new Actions(nbtrack, store), first, runs);
  };
  const experiment = (stage: string, args: Args): Experiment | null => {
    const found = shown() ? selected.experiment(args) : null;
    return found?.stage === stage ? found : null;
  };
  const actOnExperiment = async (work: (actions: ExperimentActions) => Promise<unknown>): Promise<void> => {
    const store = nbtrack.model.storeId;
    const { ExperimentActions: Actions } = await import('@nbtrack/shared/actions/experiment_actions');
    await work(new Actions(nbtrack, store));
  };

  commands.addCommand(Commands.show, {
    label: 'Show the sidebar with the runs',
    icon: nbtrackIcon,
    execute: () => app.shell.activateById(PANEL_ID)
  });
  commands.addCommand(Commands.search, {
    label: 'Search runs',
    execute: async () => {
      app.shell.activateById(PANEL_ID);
      (await panel.content)?.focusSearch();
    }
  });
  commands.addCommand(Commands.refresh, {
    label: 'Look for runs again',
    icon: refreshIcon,
    execute: () => nbtrack.model.refresh('all', true)
  });
  commands.addCommand(Commands.open, {
    label: args => (args['isMenu'] ? 'Open details' : 'Open details of the selected runs'),
    icon: nbtrackIcon,
    isEnabled: args => 'target' in args || 'run_id' in args || some(args),
    execute: args => openRun(args, selected, views)
  });
  commands.addCommand(Commands.compare, {
    label: args => (args['isMenu'] && selected.runs(args).length > 1 ? `Compare ${selected.runs(args).length} runs` : 'Compare selected runs'),
    icon: compareIcon,
    isEnabled: args => selected.ids(args).length > 1,
    execute: args => {
      const run_ids = selected.ids(args);
      const experiment_ids = 'run_ids' in args ? null : selected.experimentIds(args);
      return views.show({ kind: 'compare', store: selected.store(args), experiment_ids, run_ids, name: 'Comparison' });
    }
  });
  commands.addCommand(Commands.table, {
    label: args => (args['isMenu'] ? 'Open the table of its runs' : args['all'] ? 'Open the table of all runs' : 'Open the table of the experiment'),
    icon: tableRowsIcon,
    isEnabled: args => Boolean(args['all']) || 'experiment_id' in args || (shown() && selected.experimentIds(args).length > 0),
    execute: async args => {
      if (selected.store(args) === '') await nbtrack.model.findStore();
      // without a store the sidebar says what to do
      if (selected.store(args) === '') return app.shell.activateById(PANEL_ID);
      return openTable(args, selected, nbtrack, views);
    }
  });
  commands.addCommand(Commands.insert, {
    label: 'Insert cell with source',
    icon: notebookIcon,
    isEnabled: one,
    isVisible: one,
    execute: act((actions, run) => actions.insertSource(run.run_id))
  });
  const active = (run: TreeRun): boolean => run.stage === 'active';
  const ended = oneOf(run => active(run) && run.state !== 'RUNNING');
  commands.addCommand(Commands.again, {
    label: 'Run again …',
    icon: refreshIcon,
    isEnabled: ended,
    isVisible: ended,
    execute: act((actions, run) => actions.runAgain(run))
  });
  commands.addCommand(Commands.copy, {
    label: 'Copy loading code',
    icon: copyIcon,
    isEnabled: one,
    isVisible: one,
    execute: act((actions, run) => actions.copyLoading(run.run_id))
  });
  commands.addCommand(Commands.copyId, {
    label: 'Copy run ID',
    isEnabled: one,
    isVisible: one,
    execute: act((actions, run) => actions.copy(run.run_id, 'The ID of the run is in the clipboard'))
  });
  commands.addCommand(Commands.rename, {
    label: 'Rename',
    icon: editIcon,
    isEnabled: args => one(args) || experiment('active', args) !== null,
    execute: async args => {
      const [row] = selected.rows(args);
      (await panel.content)?.tree.rename(row);
    }
  });
  commands.addCommand(Commands.note, {
    label: 'Edit note …',
    isEnabled: args => one(args) || experiment('active', args) !== null,
    execute: args => {
      const found = experiment('active', args);
      if (found) return actOnExperiment(actions => actions.editNote(found));
      return act((actions, run) => actions.editNote(run, run.note))(args);
    }
  });
  commands.addCommand(Commands.tag, {
    label: 'Add tag …',
    icon: tagIcon,
    isEnabled: some,
    execute: act((actions, _, runs) => actions.addTag(runs))
  });

  const dead = (run: TreeRun): boolean => active(run) && (run.state === 'INTERRUPTED' || isSilent(run));
  const simple: [string, string, LabIcon | undefined, (run: TreeRun) => boolean, Parameters<RunActions['act']>[0]][] = [
    [Commands.archive, 'Archive', archiveIcon, run => active(run) && !run.archived, 'archive'],
    [Commands.unarchive, 'Unarchive', archiveIcon, run => active(run) && run.archived, 'unarchive'],
    [Commands.delete, 'Delete', deleteIcon, active, 'delete'],
    [Commands.restore, 'Restore', undoIcon, run => run.stage === 'deleted', 'restore'],
    [Commands.keep, 'Keep as it is', undefined, run => dead(run) && !run.kept, 'keep'],
    [Commands.discard, 'Discard', deleteIcon, dead, 'discard']
  ];
  for (const [name, label, icon, test, action] of simple) {
    const stage = { delete: 'active', restore: 'deleted' }[action as string] ?? '';
    const isEnabled = (args: Args): boolean => only(test)(args) || experiment(stage, args) !== null;
    commands.addCommand(name, {
      label,
      ...(icon ? { icon } : {}),
      isEnabled,
      isVisible: isEnabled,
      execute: args => {
        const found = experiment(stage, args);
        if (found) return actOnExperiment(actions => actions.act(action === 'delete' ? 'delete' : 'restore', found));
        return act((actions, _, runs) => actions.act(action, runs))(args);
      }
    });
  }
  commands.addCommand(Commands.resume, {
    label: 'Resume in the notebook',
    isEnabled: oneOf(dead),
    isVisible: oneOf(dead),
    execute: act((actions, run) => actions.resume(run))
  });
  addMenu(app);
  palette?.addItem({ command: Commands.table, args: { all: true }, category: 'nbtrack' });
  for (const command of [Commands.show, Commands.search, Commands.table, Commands.compare, Commands.open, Commands.refresh]) {
    palette?.addItem({ command, category: 'nbtrack' });
  }
}

function openRun(args: Args, selected: Selected, views: MainViews): unknown {
  const target = args['target'] as unknown as Target | undefined;
  if (target) return views.show(target, true, args['uid'] as string);
  const store = selected.store(args);
  const { run_id: given, name: called } = args;
  const runs = typeof given === 'string' ? [{ run_id: given, name: typeof called === 'string' ? called : 'Run' }] : selected.runs(args);
  const preview = args['preview'] === true;
  return runs
    .map(({ run_id, name }) => views.show({ kind: 'run', store, run_id, name, tab: '', preview }, !preview))
    .at(-1);
}

function openTable(args: Args, selected: Selected, { model }: INbtrack, views: MainViews): unknown {
  const given = args['experiment_id'];
  const chosen = args['all'] ? [] : typeof given === 'string' ? [given] : selected.experimentIds(args);
  const names = model.tree.experiments.filter(e => chosen.includes(e.experiment_id)).map(e => e.name);
  const experiment_ids = chosen.length > 0 ? chosen : null;
  const name = names.length > 0 ? names.join(', ') : 'All runs';
  return views.show({ kind: 'table', store: selected.store(args), experiment_ids, name });
}

function addMenu(app: JupyterFrontEnd): void {
  const run = '.nbt-row-run';
  const groups: string[][] = [
    [Commands.open, Commands.compare],
    [Commands.resume, Commands.keep, Commands.discard],
    [Commands.insert, Commands.again, Commands.copy, Commands.copyId],
    [Commands.rename, Commands.note, Commands.tag],
    [Commands.archive, Commands.unarchive, Commands.restore, Commands.delete]
  ];
  groups.forEach((group, i) => {
    const rank = i * 10;
    if (i > 0) app.contextMenu.addItem({ type: 'separator', selector: run, rank });
    group.forEach((command, at) =>
      app.contextMenu.addItem({ command, selector: run, rank: rank + 1 + at, args: { isMenu: true } })
    );
  });
  const experiment = { selector: '.nbt-row-experiment', args: { isMenu: true } };
  app.contextMenu.addItem({ ...experiment, command: Commands.table, rank: 0 });
  [Commands.rename, Commands.note, Commands.restore, Commands.delete].forEach((command, at) =>
    app.contextMenu.addItem({ ...experiment, command, rank: 1 + at })
  );
  app.contextMenu.addItem({ command: Commands.refresh, selector: '.nbt-tree', rank: 90 });
}
