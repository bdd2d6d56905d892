import type { JupyterFrontEnd } from '@jupyterlab/application';
import { type INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';

/**
 * Insert cells below the active one of the notebook that was last used, or of a new one.
 *
 * All of them are selected, so that one Shift+Enter runs them from top to bottom.
 */
export async function insertCells(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker | null,
  sources: readonly string[]
): Promise<void> {
  const panel = notebooks?.currentWidget ?? (await newNotebook(app));
  if (!panel) throw new Error('There is no notebook to insert into. Open one, then try again.');
  await panel.context.ready;
  const notebook = panel.content;
  let first = -1;
  for (const source of sources) {
    const active = notebook.activeCell;
    // an empty cell is there to be filled
    if (!(active?.model.type === 'code' && active.model.sharedModel.getSource() === '')) {
      NotebookActions.insertBelow(notebook);
      if (notebook.activeCell?.model.type !== 'code') NotebookActions.changeCellType(notebook, 'code');
    }
    notebook.activeCell?.model.sharedModel.setSource(source);
    if (first < 0) first = notebook.activeCellIndex;
  }
  notebook.mode = 'command';
  const last = notebook.activeCellIndex;
  app.shell.activateById(panel.id);
  // scrollToCell would leave only that cell selected
  await notebook.scrollToItem(last);
  if (first < 0 || first === last) return;
  notebook.activeCellIndex = first;
  notebook.extendContiguousSelectionTo(last);
}

async function newNotebook(app: JupyterFrontEnd): Promise<NotebookPanel | null> {
  if (!app.commands.hasCommand('notebook:create-new')) return null;
  await app.serviceManager.kernelspecs.ready;
  const kernelName = app.serviceManager.kernelspecs.specs?.default;
  return (await app.commands.execute('notebook:create-new', { kernelName })) as NotebookPanel | null;
}
