import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { offerServer } from '@nbtrack/shared/backend';
import { addCommands } from './commands';
import { jupyterConnection } from './connection';
import { offerInterrupt } from './interrupt';
import { LabHost } from './lab_host';
import { MainViews } from './main_views';
import { bindOutputs } from './outputs';
import { offerOpener } from '@nbtrack/shared/opener';
import { PANEL_ID, SidebarPanel } from './panel';
import { addModelCommands } from './model_commands';
import { ModelsModel } from './models_model';
import { AGAIN_EVENT, type RunAgain } from '@nbtrack/shared/protocol';
import { NbtrackServer } from '@nbtrack/shared/server';
import { servedStores } from '@nbtrack/shared/served_stores';
import { Settings, SETTINGS_ID } from './settings';
import { SidebarModel } from './sidebar_model';
import { Commands, INbtrack } from './tokens';
import { StoreWatcher } from '@nbtrack/shared/watcher';

const outputs: JupyterFrontEndPlugin<void> = {
  id: 'nbtrack:outputs',
  description: 'Shows the outputs of nbtrack, live or from the data saved with them.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (_app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, notebooks: INotebookTracker | null) =>
    bindOutputs(rendermime, notebooks)
};

const stores: JupyterFrontEndPlugin<INbtrack> = {
  id: 'nbtrack:stores',
  description: 'Asks the Jupyter server about runs, for the sidebar and for views in notebooks.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  provides: INbtrack,
  activate: (app: JupyterFrontEnd, rendermime: IRenderMimeRegistry, notebooks: INotebookTracker | null) => {
    const server = new NbtrackServer(jupyterConnection());
    const watcher = new StoreWatcher(app.serviceManager.events.stream, (store, seconds) => server.watch(store, seconds));
    app.serviceManager.connectionFailure.connect(() => watcher.check());
    const settings = new Settings();
    if (notebooks) offerInterrupt(notebooks);
    const model = new SidebarModel(server, watcher);
    const stores = servedStores(server, watcher, new LabHost(app, rendermime, notebooks));
    offerServer(stores.backend);
    return { ...stores, settings, model, models: new ModelsModel(model) };
  }
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: SETTINGS_ID,
  description: 'The runs in the sidebar, their details, tables and comparisons.',
  autoStart: true,
  requires: [INbtrack],
  optional: [ICommandPalette, ILabShell, ILayoutRestorer, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    nbtrack: INbtrack,
    palette: ICommandPalette | null,
    shell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null
  ) => {
    const { model, models, settings, watcher } = nbtrack;
    const run = (command: string, args = {}): void => void app.commands.execute(command, args);
    const panel = new SidebarPanel(model, models, {
      open: (run_id, stay) => {
        if (!stay && !settings.openOnClick) return;
        run('nbtrack:open-run', { run_id, preview: !stay, name: model.tree.run(run_id)?.name ?? 'Run' });
      },
      act: (action, runId) => {
        model.selection.click(`run:${runId}`, { shift: false, accel: false });
        run(`nbtrack:${action}`);
      },
      rename: (row, name) => {
        if (row.kind === 'run') void actions().then(made => made.rename(row.run.run_id, name));
        if (row.kind === 'experiment') void experiments().then(made => made.rename(row.experiment.experiment_id, name));
      },
      openModel: (name, version, stay) => {
        if (stay || settings.openOnClick) run(Commands.openModel, { name, version, preview: !stay });
      },
      renameModel: (name, newName) => {
        void import('@nbtrack/shared/actions/model_actions').then(({ ModelActions }) => new ModelActions(nbtrack, model.storeId).rename(name, newName));
      },
      run,
      insertFirstRun: () => void actions().then(made => made.insertFirstRun())
    });
    const actions = async (): Promise<import('@nbtrack/shared/actions/run_actions').RunActions> =>
      new (await import('@nbtrack/shared/actions/run_actions')).RunActions(nbtrack, model.storeId);
    const experiments = async (): Promise<import('@nbtrack/shared/actions/experiment_actions').ExperimentActions> =>
      new (await import('@nbtrack/shared/actions/experiment_actions')).ExperimentActions(nbtrack, model.storeId);
    const views = new MainViews(app, nbtrack, shell);
    offerOpener({
      run: (store, run_id) => void views.show({ kind: 'run', store, run_id, name: 'Run', tab: '', preview: false }),
      compare: (store, ids) => void views.show({ kind: 'compare', store, experiment_ids: null, run_ids: [...ids], name: 'Compare' })
    });
    const parts = { app, nbtrack, panel, views };
    addCommands(parts, palette);
    document.addEventListener(AGAIN_EVENT, event => {
      const { store, run_id, name } = (event as CustomEvent<RunAgain>).detail;
      run(Commands.open, { store, run_id, name }); // its details show how far it is, and what came of it
      void import('@nbtrack/shared/actions/run_actions').then(({ RunActions }) => new RunActions(nbtrack, store).runAgain({ run_id, name }));
    });
    addModelCommands(parts);
    app.shell.add(panel, 'left', { rank: 550, type: 'nbtrack' });
    restorer?.add(panel, PANEL_ID);
    if (restorer) views.restore(restorer);
    settings.changed.connect(() => {
      watcher.pauseMs = settings.refreshSeconds * 1000;
      model.preferred = settings.store;
      document.body.dataset['nbtrackPalette'] = settings.palette;
    });
    void registry?.load(SETTINGS_ID).then(async loaded => {
      settings.follow(loaded);
      await app.restored;
      // a fresh layout shows the file browser when it is restored: ours comes after it
      if (settings.openAtStart) setTimeout(() => app.shell.activateById(PANEL_ID), 250);
    });
  }
};

export default [outputs, stores, sidebar];
