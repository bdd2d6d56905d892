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
import type { Target } from './targets';
import { Commands, type INbtrack } from './tokens';
import { isSilent } from './tree_row';

type Args = ReadonlyPartialJSONObject;

/** What commands need. */
export interface CommandParts {
  app: JupyterFrontEnd;
  nbtrack: INbtrack;
  panel: SidebarPanel;
  views: MainViews;
}

/** The runs that a command is about: those of its arguments, else those selected in the sidebar. */
class Selected {
  constructor(private readonly nbtrack: INbtrack) {}

  get runs(): TreeRun[] {
    return this.nbtrack.model.selection.targets.flatMap(row => (row.kind === 'run' ? [row.run] : []));
  }

  /** The experiment that has the keyboard, when no run is meant. */
  get experiment(): Experiment | null {
    const [row, another] = this.nbtrack.model.selection.targets;
    return row?.kind === 'experiment' && !another ? row.experiment : null;
  }

  get experimentIds(): string[] {
    const { selection, tree } = this.nbtrack.model;
    return [...new Set(selection.targets.map(row => tree.experimentOf(row)))];
  }

  ids(args: Args): string[] {
    const given = args['run_ids'];
    return Array.isArray(given) ? given.map(String) : this.runs.map(run => run.run_id);
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
  const one = (): boolean => shown() && selected.runs.length === 1;
  const some = (): boolean => shown() && selected.runs.length > 0;
  const only = (test: (run: TreeRun) => boolean) => (): boolean => some() && selected.runs.every(test);
  const act = async (work: (actions: RunActions) => Promise<unknown>): Promise<void> => {
    const { RunActions: Actions } = await import('@nbtrack/shared/actions/run_actions');
    await work(new Actions(nbtrack, nbtrack.model.storeId));
  };
  const first = (): TreeRun => selected.runs[0]!;
  const experiment = (stage: string): Experiment | null => {
    const found = shown() ? selected.experiment : null;
    return found?.stage === stage ? found : null;
  };
  const actOnExperiment = async (work: (actions: ExperimentActions) => Promise<unknown>): Promise<void> => {
    const { ExperimentActions: Actions } = await import('@nbtrack/shared/actions/experiment_actions');
    await work(new Actions(nbtrack, nbtrack.model.storeId));
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
    isEnabled: args => 'target' in args || 'run_id' in args || some(),
    execute: args => openRun(args, selected, views)
  });
  commands.addCommand(Commands.compare, {
    label: args => (args['isMenu'] && selected.runs.length > 1 ? `Compare ${selected.runs.length} runs` : 'Compare selected runs'),
    icon: compareIcon,
    isEnabled: args => selected.ids(args).length > 1,
    execute: args => {
      const run_ids = selected.ids(args);
      const experiment_ids = 'run_ids' in args ? null : selected.experimentIds;
      return views.show({ kind: 'compare', store: selected.store(args), experiment_ids, run_ids, name: 'Comparison' });
    }
  });
  commands.addCommand(Commands.table, {
    label: args => (args['isMenu'] ? 'Open the table of its runs' : args['all'] ? 'Open the table of all runs' : 'Open the table of the experiment'),
    icon: tableRowsIcon,
    isEnabled: args => Boolean(args['all']) || 'experiment_id' in args || (shown() && selected.experimentIds.length > 0),
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
    execute: () => act(actions => actions.insertSource(first().run_id))
  });
  const active = (run: TreeRun): boolean => run.stage === 'active';
  const ended = (): boolean => one() && active(first()) && first().state !== 'RUNNING';
  commands.addCommand(Commands.again, {
    label: 'Run again …',
    icon: refreshIcon,
    isEnabled: ended,
    isVisible: ended,
    execute: () => act(actions => actions.runAgain(first()))
  });
  commands.addCommand(Commands.copy, {
    label: 'Copy loading code',
    icon: copyIcon,
    isEnabled: one,
    isVisible: one,
    execute: () => act(actions => actions.copyLoading(first().run_id))
  });
  commands.addCommand(Commands.copyId, {
    label: 'Copy run ID',
    isEnabled: one,
    isVisible: one,
    execute: () => act(actions => actions.copy(first().run_id, 'The ID of the run is in the clipboard'))
  });
  commands.addCommand(Commands.rename, {
    label: 'Rename',
    icon: editIcon,
    isEnabled: () => one() || experiment('active') !== null,
    execute: async () => (await panel.content)?.tree.rename()
  });
  commands.addCommand(Commands.note, {
    label: 'Edit note …',
    isEnabled: () => one() || experiment('active') !== null,
    execute: () => {
      const found = experiment('active');
      if (found) return actOnExperiment(actions => actions.editNote(found));
      return act(actions => actions.editNote(first(), first().note));
    }
  });
  commands.addCommand(Commands.tag, {
    label: 'Add tag …',
    icon: tagIcon,
    isEnabled: some,
    execute: () => act(actions => actions.addTag(selected.runs))
  });

  const dead = (run: TreeRun): boolean => active(run) && (run.state === 'INTERRUPTED' || isSilent(run));
  const simple: [string, string, LabIcon | undefined, (run: TreeRun) => boolean, Parameters<RunActions['act']>[0]][] = [
    [Commands.archive, 'Archive', archiveIcon, run => active(run) && !run.archived, 'archive'],
    [Commands.unarchive, 'Move out of the archive', archiveIcon, run => active(run) && run.archived, 'unarchive'],
    [Commands.delete, 'Delete', deleteIcon, active, 'delete'],
    [Commands.restore, 'Restore', undoIcon, run => run.stage === 'deleted', 'restore'],
    [Commands.keep, 'Keep as it is', undefined, run => dead(run) && !run.kept, 'keep'],
    [Commands.discard, 'Discard', deleteIcon, dead, 'discard']
  ];
  for (const [name, label, icon, test, action] of simple) {
    const stage = { delete: 'active', restore: 'deleted' }[action as string] ?? '';
    const isEnabled = (): boolean => only(test)() || experiment(stage) !== null;
    commands.addCommand(name, {
      label,
      ...(icon ? { icon } : {}),
      isEnabled,
      isVisible: isEnabled,
      execute: () => {
        const found = experiment(stage);
        if (found) return actOnExperiment(actions => actions.act(action === 'delete' ? 'delete' : 'restore', found));
        return act(actions => actions.act(action, selected.runs));
      }
    });
  }
  commands.addCommand(Commands.resume, {
    label: 'Resume in the notebook',
    isEnabled: () => one() && dead(first()),
    isVisible: () => one() && dead(first()),
    execute: () => act(actions => actions.resume(first()))
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
  const runs = typeof given === 'string' ? [{ run_id: given, name: typeof called === 'string' ? called : 'Run' }] : selected.runs;
  const preview = args['preview'] === true;
  return runs
    .map(({ run_id, name }) => views.show({ kind: 'run', store, run_id, name, tab: '', preview }, !preview))
    .at(-1);
}

function openTable(args: Args, selected: Selected, { model }: INbtrack, views: MainViews): unknown {
  const given = args['experiment_id'];
  const chosen = args['all'] ? [] : typeof given === 'string' ? [given] : selected.experimentIds;
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
