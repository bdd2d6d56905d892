import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import { messageOf } from '@nbtrack/shared/dom';
import { insertCells } from './notebook_cells';
import { StoreActions } from './store_actions';
import type { INbtrack } from './tokens';

/** What is done with code: it goes into a notebook, or into the clipboard. */
export class CellActions extends StoreActions {
  constructor(
    private readonly app: JupyterFrontEnd,
    nbtrack: INbtrack,
    private readonly notebooks: INotebookTracker | null,
    storeId: string
  ) {
    super(nbtrack, storeId);
  }

  async copy(text: string, said: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      Notification.success(said, { autoClose: 3000 });
    } catch {
      Notification.error('The browser does not allow to copy here. It may need https, or your permission.');
    }
  }

  protected async insert(sources: string[]): Promise<void> {
    try {
      await insertCells(this.app, this.notebooks, sources);
    } catch (error) {
      Notification.error(messageOf(error));
    }
  }
}
