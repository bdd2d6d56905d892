import type { JupyterFrontEnd } from '@jupyterlab/application';
import { type INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';

/** Insert cells below the active one of the notebook that was last used, or of a new one. */
export async function insertCells(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker | null,
  sources: readonly string[]
): Promise<void> {
  const panel = notebooks?.currentWidget ?? (await newNotebook(app));
  if (!panel) throw new Error('There is no notebook to insert into. Open one, then try again.');
  await panel.context.ready;
  const notebook = panel.content;
  for (const source of sources) {
    const active = notebook.activeCell;
    // an empty cell is there to be filled
    if (!(active?.model.type === 'code' && active.model.sharedModel.getSource() === '')) {
      NotebookActions.insertBelow(notebook);
      if (notebook.activeCell?.model.type !== 'code') NotebookActions.changeCellType(notebook, 'code');
    }
    notebook.activeCell?.model.sharedModel.setSource(source);
  }
  app.shell.activateById(panel.id);
  const cell = notebook.activeCell;
  if (cell) await notebook.scrollToCell(cell);
}

async function newNotebook(app: JupyterFrontEnd): Promise<NotebookPanel | null> {
  if (!app.commands.hasCommand('notebook:create-new')) return null;
  await app.serviceManager.kernelspecs.ready;
  const kernelName = app.serviceManager.kernelspecs.specs?.default;
  return (await app.commands.execute('notebook:create-new', { kernelName })) as NotebookPanel | null;
}
