import { copyIcon, deleteIcon, editIcon, notebookIcon, tagIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Args, CommandParts } from './commands';
import { nbtrackIcon } from './icons';
import type { ModelActions, Version } from '@nbtrack/shared/actions/model_actions';
import type { ModelRow, ModelTreeRow, VersionRow } from './model_tree';
import { Commands } from './tokens';

/** Add the commands of the models in the sidebar, and the menus of their rows. */
export function addModelCommands({ app, nbtrack, panel, views }: CommandParts): void {
  const { commands } = app;
  const { models } = nbtrack;
  const meant = (args: Args): ModelTreeRow | undefined => {
    if (!panel.isVisible) return undefined;
    return args['isMenu'] ? models.tree.ofMenu : models.tree.activeRow;
  };
  const model = (args: Args): ModelRow | null => {
    const row = meant(args);
    return row?.kind === 'model' ? row : null;
  };
  const version = (args: Args): VersionRow | null => {
    const row = meant(args);
    return row?.kind === 'version' ? row : null;
  };
  const act = async (work: (actions: ModelActions) => Promise<unknown>): Promise<void> => {
    const store = nbtrack.model.storeId;
    const { ModelActions: Actions } = await import('@nbtrack/shared/actions/model_actions');
    await work(new Actions(nbtrack, store));
  };
  const add = (name: string, label: string, test: (args: Args) => boolean, execute: (args: Args) => unknown, icon?: LabIcon): void => {
    commands.addCommand(name, { label, ...(icon ? { icon } : {}), isEnabled: test, isVisible: test, execute });
  };
  const onVersion = (name: string, label: string, work: (actions: ModelActions, at: Version, row: VersionRow) => Promise<unknown>, icon?: LabIcon): void =>
    add(name, label, args => version(args) !== null, args => {
      const row = version(args)!;
      return act(actions => work(actions, versionOf(row), row));
    }, icon);

  commands.addCommand(Commands.openModel, {
    label: 'Open details of the model',
    icon: nbtrackIcon,
    isEnabled: args => 'model_id' in args || 'version' in args || version(args) !== null,
    execute: args => {
      const store = typeof args['store'] === 'string' ? args['store'] : nbtrack.model.storeId;
      const preview = args['preview'] === true;
      if (typeof args['model_id'] === 'string') {
        const ref = { model_id: args['model_id'] };
        const name = typeof args['name'] === 'string' ? args['name'] : 'Model';
        return views.show({ kind: 'model', store, ref, name, tab: '', preview }, !preview);
      }
      const row = version(args);
      const name = typeof args['name'] === 'string' ? args['name'] : (row?.model.name ?? '');
      const number = typeof args['version'] === 'number' ? args['version'] : row?.version.version;
      if (!name || number === undefined) return undefined;
      const target = { kind: 'model' as const, store, ref: { name, version: number }, name: `${name} v${number}`, tab: '', preview };
      return views.show(target, !preview);
    }
  });
  onVersion(Commands.copyModel, 'Copy loading code', (actions, at) => actions.copyLoading(at), copyIcon);
  onVersion(Commands.insertModel, 'Insert cell that loads it', (actions, at) => actions.insertLoading(at), notebookIcon);
  onVersion(Commands.stage, 'Move to stage …', (actions, at, { model: of }) => actions.promote(at, versionsOf(of)));
  onVersion(
    Commands.alias,
    'Add alias …',
    (actions, at, { model: of }) => {
      const holder = (alias: string): number | null => of.versions.find(other => other.aliases.includes(alias))?.version ?? null;
      return actions.addAlias(at, of.versions.flatMap(other => other.aliases), holder);
    },
    tagIcon
  );
  onVersion(Commands.tagVersion, 'Add tag …', (actions, at) => actions.tag(at));
  onVersion(Commands.describeVersion, 'Edit description …', (actions, { name, version: number }, row) => actions.describe(name, number, row.version.description));
  onVersion(Commands.deleteVersion, 'Delete', (actions, at) => actions.deleteVersion(at), deleteIcon);
  add(Commands.runOfVersion, 'Open its run', args => Boolean(version(args)?.version.run_id), args => commands.execute(Commands.open, { run_id: version(args)!.version.run_id! }));
  add(Commands.renameModel, 'Rename', args => model(args) !== null, async args => {
    const row = model(args)!;
    (await panel.content)?.models.rename(row);
  }, editIcon);
  add(Commands.describeModel, 'Edit description …', args => model(args) !== null, args => {
    const { name, description } = model(args)!.model;
    return act(actions => actions.describe(name, null, description));
  });
  add(Commands.deleteModel, 'Delete', args => model(args) !== null, args => {
    const { name, total } = model(args)!.model;
    return act(actions => actions.deleteModel(name, total));
  }, deleteIcon);
  // one key for both kinds of rows
  commands.addCommand(Commands.deleteModelRow, {
    isVisible: () => false,
    isEnabled: args => model(args) !== null || version(args) !== null,
    execute: args => commands.execute(model(args) ? Commands.deleteModel : Commands.deleteVersion)
  });

  const groups: string[][] = [
    [Commands.openModel, Commands.runOfVersion],
    [Commands.insertModel, Commands.copyModel],
    [Commands.stage, Commands.alias],
    [Commands.describeVersion, Commands.tagVersion],
    [Commands.deleteVersion]
  ];
  const selector = '.nbt-row-version';
  groups.forEach((group, i) => {
    const rank = i * 10;
    if (i > 0) app.contextMenu.addItem({ type: 'separator', selector, rank });
    group.forEach((command, at) => app.contextMenu.addItem({ command, selector, rank: rank + 1 + at, args: { isMenu: true } }));
  });
  [Commands.renameModel, Commands.describeModel, Commands.deleteModel].forEach((command, rank) =>
    app.contextMenu.addItem({ command, selector: '.nbt-row-model', rank, args: { isMenu: true } })
  );
}

function versionOf({ model, version }: VersionRow): Version {
  const { version: number, stage, aliases } = version;
  return { name: model.name, version: number, stage, aliases };
}

function versionsOf(model: VersionRow['model']): Version[] {
  return model.versions.map(({ version, stage, aliases }) => ({ name: model.name, version, stage, aliases }));
}
